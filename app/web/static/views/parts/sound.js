// The sound of a message: two soft tones, made here.

const TONES = [[0, 659], [0.09, 880]]; // seconds from now, hertz
const LENGTH = 0.22; // seconds
const LOUDNESS = 0.08;

let context = null;

export function ding() {
  context ??= new AudioContext();
  context.resume();
  for (const [delay, pitch] of TONES) tone(context.currentTime + delay, pitch);
}

function tone(at, pitch) {
  const source = new OscillatorNode(context, { type: "sine", frequency: pitch });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(LOUDNESS, at + 0.01);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + LENGTH);
  source.connect(volume).connect(context.destination);
  source.start(at);
  source.stop(at + LENGTH);
}
