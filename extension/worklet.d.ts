// What an AudioWorklet has, which TypeScript's own library leaves out.

declare const sampleRate: number;
declare const currentFrame: number;

declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

declare function registerProcessor(name: string, processor: new (options?: any) => AudioWorkletProcessor): void;
