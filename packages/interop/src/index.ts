export { decodeSafetensors, encodeSafetensors, HEADER_BYTES_MAX } from './safetensors.js';
export type { NamedTensor, SafetensorsFile } from './safetensors.js';
export { fromStateDict, toStateDict } from './state-dict.js';
