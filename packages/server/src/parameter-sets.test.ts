import { describe, expect, it } from 'vitest';
import { AVERAGE_BUFFER, ParameterSets } from './parameter-sets.js';

const set = (step: number, sha256 = `hash of ${String(step)}`) => ({ step, sha256 });

describe('ParameterSets', () => {
  it('holds the iterate before and the newest one, each until its buffer is written again', () => {
    const sets = new ParameterSets(set(0), undefined);
    expect(sets.beginIterate()).toBe(1);
    expect(sets.find({ step: 0 })?.buffer).toBe(0);
    sets.endIterate(set(1));
    expect(sets.iterate).toEqual(set(1));
    expect([sets.find({ step: 0 })?.buffer, sets.find({ step: 1 })?.buffer, sets.find({})?.buffer]).toEqual([0, 1, 1]);
    const before = sets.find({ sha256: 'hash of 0' });
    if (before === undefined) throw new Error('step 0 is not held');
    expect(sets.isHeld(before.set)).toBe(true);
    expect(sets.beginIterate()).toBe(0);
    expect(sets.find({ step: 0 })).toBeUndefined();
    expect(sets.isHeld(before.set)).toBe(false);
  });

  it('finds several sets of one step by their hashes, and by the step the one that the run is judged by', () => {
    const sets = new ParameterSets(set(5, 'iterate'), undefined);
    expect(sets.find({ step: 5 })?.set.sha256).toBe('iterate');
    sets.setAverage(set(5, 'average'));
    expect(sets.judged.sha256).toBe('average');
    expect(sets.find({ step: 5 })).toEqual({ set: set(5, 'average'), buffer: AVERAGE_BUFFER });
    expect(sets.find({ step: 5, sha256: 'iterate' })?.buffer).toBe(0);
    expect(sets.find({ step: 4, sha256: 'iterate' })).toBeUndefined();
    sets.setAverage(undefined);
    expect(sets.find({ sha256: 'average' })).toBeUndefined();
  });

  it('finds what has not changed in its newest place', () => {
    const sets = new ParameterSets(set(0, 'same'), undefined);
    sets.beginIterate();
    sets.endIterate(set(1, 'same'));
    expect(sets.find({ sha256: 'same' })).toEqual({ set: set(1, 'same'), buffer: 1 });
  });
});
