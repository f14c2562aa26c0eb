// What a browser can tell of a file before it is sent: its kind, its size in pixels, its length.

const KINDS = [
  [/^image\/(jpeg|png|gif|webp)$/, "image"],
  [/^video\/(mp4|webm)$/, "video"],
  [/^audio\/(mpeg|mp3|ogg|wav|x-wav|wave|webm|mp4|m4a|x-m4a)$/, "audio"],
];
const PATIENCE_MS = 3000; // a film that tells nothing is sent without its measures

/** "image", "video", "audio" or "file". */
export function kindOf(file) {
  return KINDS.find(([type]) => type.test(file.type.split(";")[0]))?.[1] ?? "file";
}

/** @returns {Promise<{width?, height?, duration?}>} pixels and milliseconds; empty where it cannot tell */
export async function measure(file) {
  const kind = kindOf(file);
  try {
    if (kind === "image") return await ofPicture(file);
    if (kind === "video" || kind === "audio") return await ofFilm(file, kind);
  } catch {
    // broken or unknown to this browser: the server will say
  }
  return {};
}

async function ofPicture(file) {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height };
}

function ofFilm(file, kind) {
  const url = URL.createObjectURL(file);
  const film = document.createElement(kind);
  return new Promise((resolve, reject) => {
    film.addEventListener("loadedmetadata", () => {
      const { videoWidth: width, videoHeight: height, duration } = film;
      const pixels = width ? { width, height } : {};
      resolve(Number.isFinite(duration) ? { ...pixels, duration: Math.round(duration * 1000) } : pixels);
    });
    film.addEventListener("error", reject);
    setTimeout(reject, PATIENCE_MS);
    film.preload = "metadata";
    film.src = url;
  }).finally(() => URL.revokeObjectURL(url));
}
