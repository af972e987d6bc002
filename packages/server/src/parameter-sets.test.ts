import { describe, expect, it } from 'vitest';
import { AVERAGE_BUFFER, ParameterSets, type NewSet } from './parameter-sets.js';

const set = (step: number): NewSet => ({ step, sha256: undefined });

describe('ParameterSets', () => {
  it('holds the iterate before and the newest one, each until its buffer is written again', () => {
    const sets = new ParameterSets(set(0), undefined);
    const first = sets.iterate;
    expect(sets.beginIterate()).toBe(1);
    expect(sets.find({ step: 0 })?.buffer).toBe(0);
    sets.endIterate(set(1), true);
    expect(sets.iterate).toMatchObject(set(1));
    expect([sets.find({ step: 0 })?.buffer, sets.find({ step: 1 })?.buffer, sets.find({})?.buffer]).toEqual([0, 1, 1]);
    expect(sets.find({ version: first.version })).toEqual({ set: first, buffer: 0 });
    expect(sets.isHeld(first)).toBe(true);
    expect(sets.beginIterate()).toBe(0);
    expect(sets.find({ step: 0 })).toBeUndefined();
    expect(sets.isHeld(first)).toBe(false);
  });

  it('finds several sets of one step by their versions, and by the step the one that the run is judged by', () => {
    const sets = new ParameterSets(set(5), undefined);
    const { iterate } = sets;
    expect(sets.judged).toEqual({ set: iterate, buffer: 0 });
    sets.setAverage(set(5));
    const { average } = sets;
    if (average === undefined) throw new Error('there is no average');
    expect(average.version).not.toBe(iterate.version);
    expect(sets.judged).toEqual({ set: average, buffer: AVERAGE_BUFFER });
    expect(sets.find({ step: 5 })).toEqual({ set: average, buffer: AVERAGE_BUFFER });
    expect(sets.find({ step: 5, version: iterate.version })?.buffer).toBe(0);
    expect(sets.find({ step: 4, version: iterate.version })).toBeUndefined();
    sets.setAverage(undefined);
    expect(sets.find({ version: average.version })).toBeUndefined();
  });

  it('never gives a version twice, but to what has not changed, which it finds in its newest place', () => {
    const sets = new ParameterSets(set(0), undefined);
    const versions = [sets.iterate.version];
    for (const [step, isChanged] of [[1, true], [2, false], [3, true]] as const) {
      sets.beginIterate();
      sets.endIterate(set(step), isChanged);
      versions.push(sets.iterate.version);
    }
    expect(versions[2]).toBe(versions[1]);
    expect(new Set(versions).size).toBe(3);
    sets.beginIterate();
    sets.endIterate(set(4), false);
    expect(sets.find({ version: versions[3] })).toMatchObject({ set: { step: 4 }, buffer: 0 });
  });
});
