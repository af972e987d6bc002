import { loadRun, trainLanguageModel } from '@bptt/trainer';

// The settings of `bptt train`, in camelCase; what is not given has its default.
const run = await trainLanguageModel('dataset:moby-dick', {
  run: 'runs/moby-dick', vocabulary: 1000, hidden: 32, batch: 16, steps: 30,
  signal: AbortSignal.timeout(600_000), // stops it with a checkpoint; `resume: true` goes on
  onProgress: (event) => {
    if (event.event === 'checkpoint') console.log(`step ${event.step.toFixed()}: ${event.path}`);
  },
});
console.log(`validation perplexity ${Math.exp(run.validLoss).toFixed()}, unigram model ${Math.exp(run.unigramLoss).toFixed()}`);

const model = await loadRun(run.runDirectory);
for (const { text, logProbability } of await model.generate({ prompt: 'the whale', samples: 3, topP: 0.9, require: 'sea', stop: '.' })) {
  console.log(`${logProbability.toFixed(1)}: ${text}`);
}
const { independent, carried, unknown } = await model.score('Call me Ishmael. Some years ago I went to sea.');
console.log(`perplexity ${independent.perplexity.toFixed()}, with the state carried ${carried.perplexity.toFixed()}; unknown words ${unknown.toFixed()}`);
model.close();
