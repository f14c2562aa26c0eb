// Keeps what one reads where it is, while the list around it grows, shrinks and changes its sizes.
//
// The browser's own scroll anchoring is not in every browser, and does not know of "stay at the end".
// Invariant: between two scrolls, either the end is in view and stays so (`atEnd`), or the topmost
// row in view stays at its place. Rows are measured from the scroller, which is their offsetParent.

const NEAR = 24; // pixels from the end that count as the end

export class Anchor {
  atEnd = true;
  #row = null;
  #offset = 0;
  #top = 0; // where the list was scrolled to then

  /**
   * @param {HTMLElement} scroller - scrolls `list`, whose children are the rows
   * @param {() => boolean} isLast - whether the end of the list is the end of everything
   */
  constructor(scroller, list, isLast) {
    Object.assign(this, { scroller, list, isLast });
    const restore = () => this.restore();
    this.sizes = new ResizeObserver(restore);
    this.sizes.observe(list);
    this.sizes.observe(scroller);
    this.changes = new MutationObserver(restore);
    this.changes.observe(list, { childList: true });
  }

  disconnect() {
    this.sizes.disconnect();
    this.changes.disconnect();
  }

  /** The reader has scrolled: this is where things belong from now on. */
  remember() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.atEnd = this.isLast() && scrollHeight - clientHeight - scrollTop <= NEAR;
    const row = this.#rowAt(scrollTop);
    this.#row = row?.dataset.seq ? row : row?.nextElementSibling ?? row; // a day goes when more of it comes above
    this.#place();
  }

  #place() {
    this.#top = this.scroller.scrollTop;
    this.#offset = this.#row ? this.#row.offsetTop - this.#top : 0;
  }

  /** Put things back to where they belong. */
  restore() {
    const { scroller } = this;
    if (this.atEnd) scroller.scrollTop = scroller.scrollHeight;
    else if (this.#row?.isConnected) {
      // A scroll is told with the next frame: how far the reader has come since is kept, too.
      const moved = scroller.scrollTop - this.#top;
      const top = this.#row.offsetTop - this.#offset + moved;
      if (Math.abs(top - scroller.scrollTop) >= 1) scroller.scrollTop = top;
      this.#place();
    }
  }

  /** Show a row at a fraction of the view's height: 0 at the top, 0.5 in the middle. */
  show(row, fraction) {
    const room = Math.max(0, this.scroller.clientHeight - row.offsetHeight);
    this.atEnd = false;
    this.scroller.scrollTop = row.offsetTop - room * fraction;
    this.remember();
  }

  toEnd() {
    this.atEnd = true;
    this.restore();
  }

  /** The lowest row whose beginning is in view: what has been seen. */
  lastInView() {
    return this.#rowAt(this.scroller.scrollTop + this.scroller.clientHeight - NEAR);
  }

  /** The row at a height of the list: by halves, as rows stand in order. */
  #rowAt(height) {
    const rows = this.list.children;
    let [low, high] = [0, rows.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (rows[middle].offsetTop <= height) low = middle;
      else high = middle - 1;
    }
    return rows[low] ?? null;
  }
}
