import { describe, expect, it } from 'vitest';
import { initializeParameters, stateSize } from './language-model.js';
import { createStepper } from './microshard-computer.js';
import { referenceBackend } from './reference-backend.js';
import { pickLanes } from './state-lanes.js';
import { smallModel } from './testing/fixtures.js';

const model = smallModel({ hidden: [3, 3] });

describe('pickLanes', () => {
  it('takes every layer of the lanes asked for, in their order', () => {
    const states = Float32Array.from({ length: stateSize(model, 3) }, (_, i) => i);
    expect([...pickLanes(model, states, [2, 0, 2])]).toEqual([6, 7, 8, 0, 1, 2, 6, 7, 8, 15, 16, 17, 9, 10, 11, 15, 16, 17]);
    expect(pickLanes(model, states, [0, 1, 2])).toEqual(states);
    expect(pickLanes(model, states, [])).toHaveLength(0);
  });

  it('gives a stepper the sequences that it would have had alone', async () => {
    const stepper = createStepper({ backend: referenceBackend({ precision: 'float32' }), model });
    stepper.setParameters(initializeParameters(model, 1));
    const start = new Float32Array(stateSize(model, 3));
    const together = await stepper.step(Int32Array.of(1, 2, 3), start);
    const moved = await stepper.step(Int32Array.of(4, 4), pickLanes(model, together.states, [2, 1]));
    for (const [row, word] of [3, 2].entries()) {
      const one = await stepper.step(Int32Array.of(word), start.subarray(0, stateSize(model, 1)));
      const two = await stepper.step(Int32Array.of(4), one.states);
      expect(moved.logits.values.subarray(row * model.vocabulary, (row + 1) * model.vocabulary)).toEqual(two.logits.values);
    }
  });

  it('refuses a lane that is not there', () => {
    expect(() => pickLanes(model, new Float32Array(stateSize(model, 2)), [2])).toThrow('lanes 2 of 2');
    expect(() => pickLanes(model, new Float32Array(stateSize(model, 2) + 1), [0])).toThrow('pickLanes');
  });
});
