// A popover at an element: where there is room, closed by Escape or a click beside it, the focus given back.

const EDGE = 8;

/** Show `panel` (popover="auto") at an element; returns the function that closes it. */
export function placed(panel, anchor) {
  const before = document.activeElement;
  const close = () => panel.hidePopover();
  panel.addEventListener("toggle", ({ newState }) => {
    if (newState !== "closed") return;
    const inside = panel.contains(document.activeElement) || document.activeElement === document.body;
    panel.remove();
    if (inside && before?.isConnected) before.focus();
  });
  (anchor.closest("dialog") ?? document.body).append(panel);
  panel.showPopover();
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const above = box.top - height - EDGE;
  const top = above >= EDGE ? above : Math.min(box.bottom + EDGE, innerHeight - height - EDGE);
  panel.style.top = `${Math.max(EDGE, top)}px`;
  panel.style.left = `${Math.max(EDGE, Math.min(box.right - width, innerWidth - width - EDGE))}px`;
  return close;
}
