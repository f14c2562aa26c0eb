// Records a voice message: the bytes, the length, the loudness as it goes.

import { signal } from "core/signals.js";
import { encode } from "views/chat/waveform.js";

const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const TICK_MS = 60;
const LONGEST_MS = 5 * 60_000;
const NAMES = { "audio/webm": "voice.webm", "audio/mp4": "voice.m4a", "audio/ogg": "voice.ogg" };

export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && globalThis.MediaRecorder);

export class Recorder {
  elapsed = signal(0); // ms
  levels = signal([]); // 0 to 1, one for each tick
  #chunks = [];

  /** Asks for the microphone. Throws a DOMException if there is none or it is refused. */
  static async start(onLimit) {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    return new Recorder(stream, onLimit);
  }

  constructor(stream, onLimit) {
    this.stream = stream;
    const type = TYPES.find((one) => MediaRecorder.isTypeSupported(one));
    this.recorder = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: 32_000 });
    this.recorder.addEventListener("dataavailable", ({ data }) => { if (data.size) this.#chunks.push(data); });
    this.stopped = new Promise((resolve) => { this.recorder.addEventListener("stop", resolve); });
    this.#listen(onLimit);
    this.recorder.start();
  }

  #listen(onLimit) {
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    this.context.createMediaStreamSource(this.stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const began = performance.now();
    this.timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      this.levels.update((levels) => [...levels, loudness(samples)]);
      this.elapsed.value = performance.now() - began;
      if (this.elapsed.peek() >= LONGEST_MS) onLimit();
    }, TICK_MS);
  }

  /** @returns {Promise<{file: File, measures: {duration, waveform}}>} */
  async finish() {
    this.#end();
    await this.stopped;
    const type = this.recorder.mimeType.split(";")[0];
    const file = new File(this.#chunks, NAMES[type] ?? "voice", { type });
    return { file, measures: { duration: Math.round(this.elapsed.peek()), waveform: encode(this.levels.peek()) } };
  }

  cancel() {
    this.#end();
  }

  #end() {
    clearInterval(this.timer);
    if (this.recorder.state !== "inactive") this.recorder.stop();
    for (const track of this.stream.getTracks()) track.stop();
    this.context.close();
  }
}

function loudness(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.min(1, Math.sqrt(sum / samples.length) * 2);
}
