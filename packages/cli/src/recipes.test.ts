import { legal } from '@bptt/core';
import { modelOf, objectiveOf, runConfigOf } from '@bptt/trainer/settings';
import { describe, expect, it } from 'vitest';
import { trainingSettingsOf } from './command-settings.js';
import { readRecipe, recipeNames } from './recipes.js';

describe('recipes', () => {
  it('are these', () => {
    expect(recipeNames()).toEqual(['awd-lstm', 'char-lstm', 'tutorial', 'word-language-model', 'zaremba-large', 'zaremba-medium', 'zaremba-small']);
  });

  it.each(recipeNames())('%s has a source, what to expect, and settings that go together', async (name) => {
    const { title, sources, expected, differs, settings } = readRecipe(name);
    for (const texts of [[title], sources, expected, differs]) expect(texts.every((text) => text.length > 10) && texts.length > 0).toBe(true);
    const read = await trainingSettingsOf({}, { recipe: name });
    expect(legal({ model: modelOf(read), objective: objectiveOf(read) })).toEqual([]);
    expect(Object.keys(read)).toEqual(expect.arrayContaining(Object.keys(settings)));
  });

  it('are what was published', async () => {
    const small = runConfigOf(await trainingSettingsOf({}, { recipe: 'zaremba-small' }), 'ptb');
    expect(small).toMatchObject({
      model: { cell: 'lstm', hidden: [200, 200], embedding: 200, vocabulary: 10_000 }, objective: { truncation: { kind: 'chunk', k: 20 }, reduction: 'sentenceSum', dropout: 0 },
      initialization: { init: { kind: 'uniform', a: 0.1 } }, batch: 20, learningRate: 1, clip: { kind: 'norm', threshold: 5 }, schedule: { kind: 'decay', epoch: 4, factor: 0.5 },
    });
    const tutorial = runConfigOf(await trainingSettingsOf({}, { recipe: 'tutorial' }), 'comments');
    expect(tutorial).toMatchObject({
      model: { cell: 'rnn', activation: 'tanh', hidden: [100], vocabulary: 8000, biases: false }, objective: { truncation: { kind: 'window', k: 4 }, reduction: 'sentenceSum' },
      batch: 1, learningRate: 0.005, clip: { kind: 'none' },
    });
  });

  it('give way to flags', async () => {
    expect(await trainingSettingsOf({ hidden: '50', batch: 4 }, { recipe: 'zaremba-small' })).toMatchObject({ hidden: [50], layers: 2, batch: 4, cell: 'lstm' });
  });

  it.each([
    ['awd-lstm', { optimizer: 'adam' }, { optimizer: { name: 'adam' }, learningRate: 0.001 }],
    ['char-lstm', { cell: 'gru' }, { model: { cell: 'gru' }, initialization: { init: { kind: 'uniform', a: 0.08 } } }],
    ['char-lstm', { clip: 5 }, { clip: { kind: 'norm', threshold: 5 } }],
    ['char-lstm', { optimizer: 'rmsprop' }, { optimizer: { name: 'rmsprop', alpha: 0.95 }, learningRate: 0.002 }],
    ['zaremba-small', { clipValue: 1 }, { clip: { kind: 'value', threshold: 1 } }],
  ])('%s with %j forgets what that makes meaningless, and nothing else', async (recipe, flags, expected) => {
    expect(runConfigOf(await trainingSettingsOf(flags, { recipe }), 'text')).toMatchObject(expected);
  });

  it('are asked for by name', async () => {
    await expect(trainingSettingsOf({}, { recipe: 'zaremba' })).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(/^recipe: expected one of awd-lstm, .*, got "zaremba"$/) as unknown });
  });
});
