// Uploads by the tus protocol: what has arrived stays, whatever ends the request.

import { problem, unreachable } from "client/http.js";

const VERSION = { "Tus-Resumable": "1.0.0" };
const BYTES = { "Content-Type": "application/offset+octet-stream" };

/**
 * Upload a file: {blob, name, measures: {duration, waveform, width, height}, location}.
 * `location`, where an upload of it was begun before, is told to `begun` once there is a new one;
 * `progress` hears 0..1. Returns the medium. Throws ApiError, or the abort of `signal`.
 */
export async function upload(api, origin, file, { begun, progress, signal }) {
  const send = (method, path, headers, body, told = () => {}) => api.authorized((token) => (
    sent({ method, url: origin + path, headers: { ...VERSION, ...headers }, body, signal, progress: told }, token)
  ));
  let location = file.location;
  let offset = location ? await offsetOf(send, location) : null;
  if (offset === null) {
    const headers = { "Upload-Length": String(file.blob.size), "Upload-Metadata": metadata(file) };
    location = (await send("POST", "/v2/uploads", headers)).header("Location");
    offset = 0;
    begun(location);
  }
  if (offset < file.blob.size || !file.blob.size) {
    const headers = { ...BYTES, "Upload-Offset": String(offset) };
    const told = (loaded) => progress(file.blob.size ? (offset + loaded) / file.blob.size : 1);
    await send("PATCH", location, headers, file.blob.slice(offset), told);
  }
  return api.get(location);
}

/** An upload that is not wanted any more; what is left open ends by itself after some days. */
export function giveUp(api, location) {
  return api.request("DELETE", location, { headers: VERSION }).catch(() => null);
}

/** How much of an upload has arrived; null where it is not known any more. */
async function offsetOf(send, location) {
  try {
    return Number((await send("HEAD", location, {})).header("Upload-Offset"));
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

function metadata({ name, blob, measures = {} }) {
  const fields = { filename: name, filetype: blob.type, ...measures };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.map(([key, value]) => `${key} ${base64(String(value))}`).join(",");
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** XMLHttpRequest, since `fetch` does not tell how much was sent. */
function sent({ method, url, headers, body, signal, progress }, token) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => { request.abort(); reject(signal.reason); };
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    signal.addEventListener("abort", abort, { once: true });
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = ({ loaded }) => progress(loaded);
    request.onerror = () => reject(unreachable());
    request.onload = () => {
      if (request.status < 400) resolve({ header: (name) => request.getResponseHeader(name) });
      else reject(problem(request.status, request.responseText));
    };
    request.onloadend = () => signal.removeEventListener("abort", abort);
    request.send(body);
  });
}
