import { describe, expect, it } from 'vitest';
import { afterStep, CONVERGING, DIVERGED_STEPS, divergenceReason, lossBound, type DivergenceSetting, type StepFigures } from './divergence.js';

const bound = lossBound({ head: { kind: 'softmax' }, vocabulary: 1000 });
const setting: DivergenceSetting = { lossBound: bound, optimizer: 'sgd', clip: 'norm' };
const fine: StepFigures = { exploded: false, trainLoss: 5, learningRate: 2 };
const exploded: StepFigures = { ...fine, exploded: true, trainLoss: NaN };
const high: StepFigures = { ...fine, trainLoss: 25 };
const empty: StepFigures = { ...fine, trainLoss: NaN };

/** Steps after which a run is given up, or undefined; why. */
function givenUp(steps: readonly StepFigures[], changes: Partial<DivergenceSetting> = {}): [number, string] | undefined {
  let state = CONVERGING;
  for (const [i, step] of steps.entries()) {
    state = afterStep(state, step, bound);
    const reason = divergenceReason(state, step, { ...setting, ...changes });
    if (reason !== undefined) return [i + 1, reason];
  }
  return undefined;
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe('divergence', () => {
  it('is a gradient that is not finite in too many steps in a row, with advice', () => {
    const [steps, reason] = givenUp(times(50, exploded)) ?? [];
    expect(steps).toBe(DIVERGED_STEPS);
    expect(reason).toBe('diverged: the gradient was not finite in 10 steps in a row; lower --lr (it was 2) or --clip, or choose --optimizer adam');
  });

  it.each([
    [{ clip: 'value' }, 'lower --lr (it was 2) or --clip-value, or choose --optimizer adam'],
    [{ clip: 'none' }, 'lower --lr (it was 2), or set --clip, or choose --optimizer adam'],
    [{ optimizer: 'adam' }, 'lower --lr (it was 2) or --clip'],
    [{ optimizer: 'adamw', clip: 'none' }, 'lower --lr (it was 2), or set --clip'],
  ] as const)('leaves out of its advice what holds already: with %o it says "%s"', (changes, advice) => {
    expect(givenUp(times(50, exploded), changes)?.[1]).toBe(`diverged: the gradient was not finite in 10 steps in a row; ${advice}`);
  });

  it('is a loss far above that of a model that knows nothing, in too many steps in a row', () => {
    const [steps, reason] = givenUp(times(50, high)) ?? [];
    expect(steps).toBe(DIVERGED_STEPS);
    expect(reason).toContain('the loss was above 20.72 nats per token in 10 steps in a row, 25.00 in the last, where one that knows nothing has 6.91');
  });

  it('is not what a better step interrupts', () => {
    expect(givenUp([...times(9, exploded), fine, ...times(9, exploded)])).toBeUndefined();
    expect(givenUp([...times(9, high), fine, ...times(9, high)])).toBeUndefined();
    expect(givenUp(times(100, fine))).toBeUndefined();
  });

  it('takes no notice of steps without a loss', () => {
    expect(givenUp([...times(5, exploded), ...times(20, empty), ...times(5, exploded)])?.[0]).toBe(30);
    expect(givenUp(times(100, empty))).toBeUndefined();
  });
});
