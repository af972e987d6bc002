import { describe, expect, it } from 'vitest';
import { callBack, chunksHelped, Crew, createCrewBoard, DONE, HALFWAY, letHelp, setWorking, strikeOff } from './crew.js';

const LOGITS = 1;

/** A board for three, of whom the first computes. */
function crewOfThree() {
  const board = createCrewBoard(3);
  const [owner, helper] = [0, 1].map((place) => new Crew({ board, place }));
  const theirs = { board, place: 1 };
  setWorking({ board, place: 0 }, true);
  return { board, owner, helper, theirs };
}

describe('a crew', () => {
  it('hands chunks to a helper from the last, each with what was offered, and each once', () => {
    const { board, owner, helper, theirs } = crewOfThree();
    const seen: [number, number, number, number][] = [];
    owner.offer(LOGITS, [7, 0xf000_0000], 5);
    expect(owner.take(2)).toBe(true);
    helper.assist((kind, operands, chunk) => {
      seen.push([kind, operands[0], operands[1] >>> 0, chunk]);
      if (seen.length === 3) callBack(theirs);
    });
    expect(seen).toEqual([4, 3, 1].map((chunk) => [LOGITS, 7, 0xf000_0000, chunk]));
    expect([0, 1, 2, 3, 4].map((chunk) => owner.take(chunk))).toEqual([true, false, false, false, false]);
    for (const chunk of [1, 3, 4]) owner.until(chunk, DONE);
    owner.withdraw();
    expect(chunksHelped(board)).toBe(3);
  });

  it('says when a chunk is halfway', () => {
    const { owner, helper, theirs } = crewOfThree();
    owner.offer(LOGITS, [], 1);
    helper.assist((_kind, _operands, chunk, reachHalfway) => {
      reachHalfway();
      owner.until(chunk, HALFWAY);
      callBack(theirs);
    });
    owner.until(0, DONE);
    owner.withdraw();
  });

  it('lets a helper go where nobody computes, and where it is called back, until it is let again', () => {
    const { board, owner, helper, theirs } = crewOfThree();
    let done = 0;
    const work = (): void => {
      done += 1;
      callBack(theirs);
    };
    owner.offer(LOGITS, [], 3);
    callBack(theirs);
    helper.assist(work);
    expect(done).toBe(0);
    letHelp(theirs);
    helper.assist(work);
    expect(done).toBe(1);
    letHelp(theirs);
    setWorking({ board, place: 0 }, false);
    helper.assist(work);
    expect(done).toBe(1);
  });

  it('takes nothing of an offer that was withdrawn', () => {
    const { owner, helper, theirs } = crewOfThree();
    owner.offer(LOGITS, [], 4);
    let done = 0;
    helper.assist(() => {
      done += 1;
      // Where the owner withdrew in earnest it would wait for this chunk.
      strikeOff({ ...theirs, place: 0 });
    });
    expect(done).toBe(1);
  });

  it('tells the owner of a chunk that failed, and of one whose thread has ended', () => {
    const { owner, helper, theirs } = crewOfThree();
    owner.offer(LOGITS, [], 2);
    expect(() => { helper.assist(() => { throw new Error('no'); }); }).toThrow('no');
    expect(() => { owner.until(1, DONE); }).toThrow('a thread that helped failed at chunk 1');
    helper.assist((_kind, _operands, chunk) => {
      strikeOff(theirs);
      expect(() => { owner.until(chunk, HALFWAY); }).toThrow('a thread that helped ended in chunk 0');
      callBack(theirs);
    });
    owner.withdraw();
  });

  it('tells the owner of a chunk whose thread has ended after the half of it', () => {
    const { owner, helper, theirs } = crewOfThree();
    owner.offer(LOGITS, [], 1);
    helper.assist((_kind, _operands, chunk, reachHalfway) => {
      reachHalfway();
      strikeOff(theirs);
      owner.until(chunk, HALFWAY);
      expect(() => { owner.until(chunk, DONE); }).toThrow('a thread that helped ended in chunk 0');
      callBack(theirs);
    });
  });
});
