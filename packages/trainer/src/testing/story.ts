import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trainLanguageModel, type TrainedRun, type TrainOptions } from '../train-language-model.js';

/** A folder with `story.txt`: 40 sentences of the eight words the, whale, ship, sea, is, old, white and a full stop. */
export function storyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-trainer-'));
  writeFileSync(join(folder, 'story.txt'), Array.from({ length: 40 }, (_, i) => `The ${['whale', 'ship', 'sea'][i % 3]} is ${['old', 'white'][i % 2]}.\n\n`).join(''));
  return folder;
}

/** Trains a tiny model on the story of `folder`, into `folder/run` unless told otherwise. */
export function trainStory(folder: string, changes: TrainOptions = {}): Promise<TrainedRun> {
  return trainLanguageModel(join(folder, 'story.txt'), { cache: join(folder, 'cache'), run: join(folder, 'run'), vocabulary: 11, batch: 4, hidden: 3, steps: 2, threads: 1, ...changes });
}
