import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFiniteGradient } from './clip.js';
import { decodeGradient, encodeGradient, gradientBytes, type Gradient } from './gradient.js';
import { layOut } from './parameters.js';
import { addGradients, childrenOf, isTreeNode, maximalNodes, parentOf, pathTo, reduceTree, type TreeNode } from './reduction-tree.js';
import { randomValues } from './testing/index.js';

const text = (left: string, right: string): string => `(${left}+${right})`;

describe('the canonical tree', () => {
  it('splits at the largest power of two below the width', () => {
    expect(reduceTree({ begin: 0, width: 5 }, String, text)).toBe('(((0+1)+(2+3))+4)');
    expect(reduceTree({ begin: 0, width: 8 }, String, text)).toBe('(((0+1)+(2+3))+((4+5)+(6+7)))');
    expect(childrenOf({ begin: 4, width: 1 })).toBeUndefined();
  });

  it('passes the other side on where a leaf is absent', () => {
    expect(reduceTree({ begin: 0, width: 4 }, (i) => (i === 2 ? '2' : undefined), text)).toBe('2');
    expect(reduceTree({ begin: 0, width: 4 }, () => undefined, text)).toBeUndefined();
  });

  it('knows its nodes, their parents and the way to them', () => {
    expect(isTreeNode(5, { begin: 2, width: 2 })).toBe(true);
    expect(isTreeNode(5, { begin: 3, width: 2 })).toBe(false);
    expect(isTreeNode(5, { begin: 0, width: 6 })).toBe(false);
    expect(parentOf(5, { begin: 2, width: 2 })).toEqual({ begin: 0, width: 4 });
    expect(parentOf(5, { begin: 0, width: 5 })).toBeUndefined();
    expect(pathTo(3, { begin: 1, width: 1 })).toEqual([{ begin: 0, width: 3 }, { begin: 0, width: 2 }, { begin: 1, width: 1 }]);
    expect(() => pathTo(3, { begin: 1, width: 2 })).toThrow('no node [1, +2) in the tree over 3 leaves');
  });

  it('covers any range by at most two nodes a level', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(), fc.nat(), (leaves, x, y) => {
      const [begin, end] = [Math.min(x % leaves, y % leaves), Math.max(x % leaves, y % leaves) + 1];
      const nodes = maximalNodes(leaves, begin, end);
      const covered = nodes.flatMap(({ begin: b, width }) => Array.from({ length: width }, (_, i) => b + i));
      expect(covered).toEqual(Array.from({ length: end - begin }, (_, i) => begin + i));
      expect(nodes.every((node) => isTreeNode(leaves, node))).toBe(true);
      expect(nodes.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(leaves) + 1));
    }));
  });
});

const layout = layOut([{ name: 'encoder.weight', shape: [6, 3], rowSparse: true }, { name: 'w', shape: [4] }]);

function gradientOf(seed: number, rows: number[]): Gradient {
  return {
    dense: Float32Array.from(randomValues(4, seed)),
    sparse: [{ rows: Uint32Array.from(rows), values: Float32Array.from(randomValues(rows.length * 3, seed + 100)) }],
  };
}

describe('addGradients', () => {
  it('adds where both sides have a row and copies the bits where one has', () => {
    const left: Gradient = { dense: Float32Array.of(1, 2, 3, 4), sparse: [{ rows: Uint32Array.of(0, 4), values: Float32Array.of(-0, 1, 2, 3, 4, 5) }] };
    const right: Gradient = { dense: Float32Array.of(0.5, 0, 0, -4), sparse: [{ rows: Uint32Array.of(2, 4), values: Float32Array.of(7, 8, 9, 10, 20, 30) }] };
    const sum = addGradients(layout, left, right);
    expect(Array.from(sum.dense)).toEqual([1.5, 2, 3, 0]);
    expect(Array.from(sum.sparse[0].rows)).toEqual([0, 2, 4]);
    expect(Array.from(sum.sparse[0].values)).toEqual([-0, 1, 2, 7, 8, 9, 13, 24, 35]);
  });

  it.each(['left', 'right'] as const)('has the same bits where its dense part is written over that of the %s side', (side) => {
    const [left, right] = [gradientOf(1, [0, 4]), gradientOf(2, [2, 4])];
    const expected = bytesOf(addGradients(layout, left, right));
    const target = { left, right }[side].dense;
    const sum = addGradients(layout, left, right, target);
    expect(sum.dense).toBe(target);
    expect(bytesOf(sum)).toEqual(expected);
    // The rows of both sides are as they were.
    expect([left.sparse, right.sparse]).toEqual([gradientOf(1, [0, 4]).sparse, gradientOf(2, [2, 4]).sparse]);
  });

  it('says whether the sum is finite, in its dense part and in its rows', () => {
    const large = (gradient: Gradient): Gradient => ({ dense: gradient.dense.with(3, 3e38), sparse: gradient.sparse });
    const rowsOf = (rows: number[], value: number): Gradient => ({ dense: new Float32Array(4), sparse: [{ rows: Uint32Array.from(rows), values: new Float32Array(3 * rows.length).fill(value) }] });
    const [left, right] = [gradientOf(1, [0, 4]), gradientOf(2, [2, 4])];
    expect(addGradients(layout, large(left), right).isFinite).toBe(true);
    expect(addGradients(layout, large(left), large(right)).isFinite).toBe(false);
    expect(addGradients(layout, rowsOf([1, 4], 3e38), rowsOf([2, 5], 3e38)).isFinite).toBe(true);
    expect(addGradients(layout, rowsOf([1, 4], 3e38), rowsOf([2, 4], 3e38)).isFinite).toBe(false);
  });

  it('refuses a target of another length', () => {
    const gradient = gradientOf(1, []);
    expect(() => addGradients(layout, gradient, gradient, new Float32Array(5))).toThrow('expected dense parts of one length, got left 4, right 4, sum 5');
  });

  it('has the same bits along the tree whoever adds which subtree', () => {
    fc.assert(fc.property(fc.constantFrom(1, 5, 8, 37), fc.array(fc.nat(), { minLength: 1, maxLength: 8 }), (leaves, cuts) => {
      const leaf = (i: number): Gradient => gradientOf(i, [i % 6, 5].filter((row, at, all) => all.indexOf(row) === at));
      const add = (a: Gradient, b: Gradient): Gradient => addGradients(layout, a, b);
      const root: TreeNode = { begin: 0, width: leaves };
      const bounds = [0, ...new Set(cuts.map((cut) => cut % leaves)), leaves].sort((a, b) => a - b);
      const parts = new Map<string, Gradient>();
      for (let i = 1; i < bounds.length; i += 1) {
        for (const node of maximalNodes(leaves, bounds[i - 1], bounds[i])) parts.set(`${String(node.begin)}+${String(node.width)}`, reduceTree(node, leaf, add) ?? leaf(0));
      }
      const collect = (node: TreeNode): Gradient => {
        const part = parts.get(`${String(node.begin)}+${String(node.width)}`);
        const children = childrenOf(node);
        if (part !== undefined || children === undefined) return part ?? leaf(node.begin);
        return add(collect(children[0]), collect(children[1]));
      };
      expect(bytesOf(collect(root))).toEqual(bytesOf(reduceTree(root, leaf, add) ?? leaf(0)));
    }), { numRuns: 50 });
  });
});

function bytesOf(gradient: Gradient): Uint8Array {
  const bytes = new Uint8Array(gradientBytes(gradient));
  encodeGradient(gradient, bytes);
  return bytes;
}

describe('isFiniteGradient', () => {
  it.each([NaN, Infinity, -Infinity])('sees one %s in either part', (bad) => {
    expect(isFiniteGradient(gradientOf(1, [1, 3]))).toBe(true);
    const [dense, sparse] = [gradientOf(1, [1, 3]), gradientOf(1, [1, 3])];
    dense.dense[3] = bad;
    sparse.sparse[0].values[5] = bad;
    expect(isFiniteGradient(dense)).toBe(false);
    expect(isFiniteGradient(sparse)).toBe(false);
  });
});

describe('encodeGradient and decodeGradient', () => {
  it('round trip, also from bytes that are not aligned', () => {
    const gradient = gradientOf(1, [1, 3]);
    const bytes = bytesOf(gradient);
    expect(bytes.length).toBe(4 * (4 + 1 + 2 + 6));
    expect(decodeGradient(layout, bytes)).toEqual(gradient);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect(decodeGradient(layout, shifted.subarray(1))).toEqual(gradient);
  });

  it('keep row-sparse tensors within 5 % of their values where a row has 20 elements or more', () => {
    const wide = layOut([{ name: 'encoder.weight', shape: [500, 64], rowSparse: true }]);
    const rows = Uint32Array.from({ length: 200 }, (_, i) => 2 * i);
    const gradient: Gradient = { dense: new Float32Array(0), sparse: [{ rows, values: new Float32Array(200 * 64) }] };
    expect(gradientBytes(gradient)).toBeLessThanOrEqual(200 * 64 * 4 * 1.05);
    expect(wide.size * 4).toBeGreaterThan(2 * gradientBytes(gradient));
  });

  it.each([
    ['a length that is no multiple of 4', (b: Uint8Array) => b.subarray(0, 5), 'expected a multiple of 4 bytes, got 5'],
    ['too few bytes', (b: Uint8Array) => b.subarray(0, 12), 'expected at least 16 bytes, got 12'],
    ['a cut tail', (b: Uint8Array) => b.slice(0, b.length - 4), 'expected at least 52 bytes, got 48'],
    ['bytes too many', (b: Uint8Array) => Uint8Array.of(...b, 0, 0, 0, 0), 'expected 52 bytes, got 56'],
    ['more rows than the tensor has', (b: Uint8Array) => b.with(16, 7), 'encoder.weight has 6 rows, got 7'],
    ['a row id that is out of range', (b: Uint8Array) => b.with(24, 6), 'needs ascending row ids below 6, got 6 at 1'],
    ['row ids that do not ascend', (b: Uint8Array) => b.with(24, 1), 'needs ascending row ids below 6, got 1 at 1'],
  ])('refuse %s', (_, change, message) => {
    const bytes = bytesOf(gradientOf(1, [1, 3]));
    expect(() => decodeGradient(layout, change(bytes))).toThrow(message);
  });
});
