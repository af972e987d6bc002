import { DIVERGED_STEPS, UNVALIDATED } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import { advance } from './advance.js';
import { initialState, learningRateOf } from './run-state.js';
import { roundOf, SETTINGS, Simulation, workToTheEnd } from './testing/simulation.js';

describe('what a run does next', () => {
  it('validates when it is due and then writes a checkpoint that knows of it', () => {
    const simulation = new Simulation({ ...SETTINGS, validEvery: 1, checkpointEvery: 1 });
    workToTheEnd(simulation, simulation.join());
    const story = simulation.effects.map(({ type }) => type).filter((type) => ['update', 'validated', 'checkpoint', 'ended'].includes(type));
    expect(story).toEqual(['update', 'validated', 'checkpoint', 'update', 'validated', 'checkpoint', 'ended']);
    expect(simulation.state.scheduledStep).toBe(2);
    // The second validation brought the same loss, which is no improvement.
    expect(learningRateOf(simulation.state)).toBe(0.5);
    expect(simulation.effects.map(({ type }) => type).filter((type) => type.endsWith('-best'))).toEqual(['keep-best', 'restore-best']);
  });

  it('keeps the schedule from a validation that only the end of the run asked for', () => {
    const simulation = new Simulation({ ...SETTINGS, stepsTotal: 1, validEvery: 5 });
    workToTheEnd(simulation, simulation.join());
    expect(simulation.effects.some(({ type }) => type === 'validated')).toBe(true);
    expect(simulation.state).toMatchObject({ scheduledStep: -1, validation: UNVALIDATED });
  });

  it('starts the optimiser anew where the best parameters are restored, and does nothing else before that is done', () => {
    const simulation = new Simulation({ ...SETTINGS, validEvery: 1, stepsTotal: 4 });
    const worker = simulation.join();
    const updates: number[] = [];
    for (let i = 0; i < 100 && simulation.state.phase !== 'ended'; i += 1) {
      const lease = simulation.ready(worker);
      if (lease !== undefined) simulation.push(simulation.pushOf(lease, roundOf(simulation)));
      updates.push(simulation.state.updates);
    }
    // The first validation improves, the second to the fourth do not.
    expect(updates.filter((count, i) => count !== updates[i - 1])).toEqual([1, 2, 0, 1, 0, 1, 0]);
    const story = simulation.effects.map(({ type }) => type);
    for (const [i, type] of story.entries()) if (type === 'validated') expect(['keep-best', 'restore-best']).toContain(story[i + 1]);
  });

  it('begins to average after a validation that is worse than all but the last ones, and only with an optimiser that does', () => {
    for (const nonmono of [1, undefined]) {
      const plan = { learningRate: 1, schedule: { kind: 'constant' }, warmup: 0 } as const;
      const simulation = new Simulation({ ...SETTINGS, learningRatePlan: plan, nonmono, validEvery: 1, stepsTotal: 6 });
      simulation.evaluationLoss = (leaf) => simulation.state.step + leaf;
      workToTheEnd(simulation, simulation.join());
      const averaged = simulation.effects.flatMap((effect) => (effect.type === 'validated' ? [effect.verdict.averaged] : []));
      // Losses rise from the first: the third is above the first, so averaging begins with the fourth update.
      expect(averaged).toEqual([false, false, false, nonmono === 1, nonmono === 1, nonmono === 1]);
      expect(simulation.state.averagingFrom).toBe(nonmono === 1 ? 3 : null);
    }
  });

  it('finishes when patience is at its end, also when it is resumed with no more of it', () => {
    const settings = { ...SETTINGS, validEvery: 2, stepsTotal: 20, patience: 2 };
    const simulation = new Simulation(settings);
    simulation.evaluationLoss = () => (simulation.state.step <= 4 ? 10 - simulation.state.step : 50);
    workToTheEnd(simulation, simulation.join());
    expect(simulation.state).toMatchObject({ step: 8, ending: { outcome: 'finished', reason: expect.stringMatching(/^2 validations in a row brought no better loss than 0\.\d{4}$/) as string } });
    const [again] = advance(initialState(settings, simulation.state, 8), { type: 'start' });
    expect(again).toMatchObject({ phase: 'opening', step: 8 });
    const [longer, effects] = advance(initialState({ ...settings, patience: 3 }, simulation.state, 8), { type: 'start' });
    expect(effects).toEqual([{ type: 'open-round', kind: 'train', step: 8 }]);
    expect(longer.ending).toBeUndefined();
  });

  it('fails after too many exploded steps in a row, with a checkpoint and advice', () => {
    const simulation = new Simulation({ ...SETTINGS, stepsTotal: 50 });
    simulation.explodes = true;
    workToTheEnd(simulation, simulation.join());
    expect(simulation.state).toMatchObject({ step: DIVERGED_STEPS, ending: { outcome: 'failed', reason: expect.stringMatching(/^step 10: diverged: .* lower --lr/) as string } });
    expect(simulation.effects.slice(-2).map(({ type }) => type)).toEqual(['checkpoint', 'ended']);
  });
});
