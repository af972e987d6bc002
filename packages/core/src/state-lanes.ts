import { assert } from './errors.js';
import { carryParts, stateSize } from './language-model.js';
import type { ModelConfig } from './model-config.js';
import type { FloatArray } from './shape.js';

/**
 * Carried states of chosen sequences, in the order of `carryParts`: lane `i` of the result is a copy of lane `lanes[i]` of `states`. A lane may
 * be chosen several times, or not at all.
 */
export function pickLanes(model: ModelConfig, states: FloatArray, lanes: readonly number[]): Float32Array {
  const B = states.length / stateSize(model, 1);
  assert(Number.isInteger(B) && lanes.every((lane) => Number.isInteger(lane) && lane >= 0 && lane < B), () => `pickLanes: lanes ${lanes.join(', ')} of ${String(B)}`);
  const picked = new Float32Array(stateSize(model, lanes.length));
  let from = 0;
  let to = 0;
  for (const { units: width } of carryParts(model)) {
    for (const lane of lanes) {
      picked.set(states.subarray(from + lane * width, from + (lane + 1) * width), to);
      to += width;
    }
    from += B * width;
  }
  return picked;
}
