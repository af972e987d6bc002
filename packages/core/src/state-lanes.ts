import { assert } from './errors.js';
import { cellOf, stateSize } from './language-model.js';
import type { ModelConfig } from './model-config.js';
import type { FloatArray } from './shape.js';

/**
 * Carried states of chosen sequences: lane `i` of the result, `[L, parts, lanes, H]`, is a copy of lane `lanes[i]` of `states`
 * `[L, parts, B, H]`. A lane may be chosen several times, or not at all.
 */
export function pickLanes(model: ModelConfig, states: FloatArray, lanes: readonly number[]): Float32Array {
  const B = states.length / stateSize(model, 1);
  assert(Number.isInteger(B) && lanes.every((lane) => Number.isInteger(lane) && lane >= 0 && lane < B), () => `pickLanes: lanes ${lanes.join(', ')} of ${String(B)}`);
  const picked = new Float32Array(stateSize(model, lanes.length));
  let from = 0;
  let to = 0;
  for (const width of partWidths(model)) {
    for (const lane of lanes) {
      picked.set(states.subarray(from + lane * width, from + (lane + 1) * width), to);
      to += width;
    }
    from += B * width;
  }
  return picked;
}

/** Elements that one sequence has in each part of the carry, in the order in which the parts lie: layer by layer. */
function partWidths(model: ModelConfig): number[] {
  return Array.from({ length: model.layers * cellOf(model).carryParts }, () => model.hidden);
}
