import { plainArithmetic, type Arithmetic } from './arithmetic.js';
import { assert } from './errors.js';
import { areFinite } from './finite.js';
import { sparseTensors, type Gradient, type SparseRows } from './gradient.js';
import { matrixShape, type ParameterLayout } from './parameters.js';

/** A node of the canonical tree: the leaves `[begin, begin + width)`. */
export interface TreeNode {
  readonly begin: number;
  readonly width: number;
}

/**
 * The canonical reduction tree over leaves `0..K-1`: a node of width above 1 splits at the largest power of two below its width. Sums
 * along it have the same bits whoever adds, in whatever order children arrive.
 */
export function childrenOf(node: TreeNode): readonly [TreeNode, TreeNode] | undefined {
  if (node.width <= 1) return undefined;
  const left = largestPowerOfTwoBelow(node.width);
  return [
    { begin: node.begin, width: left },
    { begin: node.begin + left, width: node.width - left },
  ];
}

/** The node of which `node` is a child, or undefined at the root. Stops where `node` is not in the tree over `leaves`. */
export function parentOf(leaves: number, node: TreeNode): TreeNode | undefined {
  return pathTo(leaves, node).at(-2);
}

/** Whether the tree over `leaves` has this node. */
export function isTreeNode(leaves: number, node: TreeNode): boolean {
  return findPath(leaves, node) !== undefined;
}

/** Nodes from the root down to `node`, both included. */
export function pathTo(leaves: number, node: TreeNode): TreeNode[] {
  const path = findPath(leaves, node);
  assert(path !== undefined, () => `no node [${String(node.begin)}, +${String(node.width)}) in the tree over ${String(leaves)} leaves`);
  return path;
}

/** The fewest nodes of the tree over `leaves` that together hold exactly the leaves `[begin, end)`, ascending. */
export function maximalNodes(leaves: number, begin: number, end: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  visit({ begin: 0, width: leaves });
  return nodes;

  function visit(node: TreeNode): void {
    if (node.begin >= end || node.begin + node.width <= begin) return;
    if (node.begin >= begin && node.begin + node.width <= end) nodes.push(node);
    else childrenOf(node)?.forEach(visit);
  }
}

/**
 * Sums leaves along the tree below `node`. An absent leaf is the identity: the other side is passed on as it is.
 * @param leaf value of a leaf, or undefined where it is absent
 * @param add sum of two values, left below right
 */
export function reduceTree<T>(node: TreeNode, leaf: (index: number) => T | undefined, add: (left: T, right: T) => T): T | undefined {
  return sumKnown(node, ({ begin, width }) => (width === 1 ? leaf(begin) : undefined), add);
}

/**
 * The sum at `node` of values that are known somewhere below it, along the tree: a node that is not known is the sum of its children, an
 * unknown leaf the identity. Undefined where nothing is known.
 */
export function sumKnown<T>(node: TreeNode, known: (node: TreeNode) => T | undefined, add: (left: T, right: T) => T): T | undefined {
  const own = known(node);
  const children = childrenOf(node);
  if (own !== undefined || children === undefined) return own;
  const left = sumKnown(children[0], known, add);
  const right = sumKnown(children[1], known, add);
  if (left === undefined) return right;
  return right === undefined ? left : add(left, right);
}

/** A sum, and whether every element of it is finite. */
export interface GradientSum extends Gradient {
  readonly isFinite: boolean;
}

/**
 * The sum of two gradients, float32 element by element. A row that one side lacks is copied, bit for bit, from the other.
 * @param dense where the dense part of the sum is written; may be that of a side, which is spent then. Default: new memory
 */
export function addGradients(
  layout: ParameterLayout, left: Gradient, right: Gradient, dense: Float32Array = new Float32Array(left.dense.length), arithmetic: Arithmetic = plainArithmetic,
): GradientSum {
  assert(dense.length === left.dense.length && dense.length === right.dense.length, () =>
    `addGradients: expected dense parts of one length, got left ${String(left.dense.length)}, right ${String(right.dense.length)}, sum ${String(dense.length)}`);
  const isFinite = arithmetic.add(left.dense, right.dense, dense);
  const sparse = sparseTensors(layout).map((tensor, i) => addSparseRows(left.sparse[i], right.sparse[i], matrixShape(tensor).columns));
  return { dense, sparse, isFinite: isFinite && sparse.every(({ values }) => areFinite(values)) };
}

function addSparseRows(left: SparseRows, right: SparseRows, columns: number): SparseRows {
  const rows = mergeAscending(left.rows, right.rows);
  const values = new Float32Array(rows.length * columns);
  let l = 0;
  let r = 0;
  for (let i = 0; i < rows.length; i += 1) {
    const inLeft = left.rows[l] === rows[i];
    const inRight = right.rows[r] === rows[i];
    const out = i * columns;
    const a = l * columns;
    const b = r * columns;
    if (inLeft && inRight) for (let j = 0; j < columns; j += 1) values[out + j] = left.values[a + j] + right.values[b + j];
    else if (inLeft) values.set(left.values.subarray(a, a + columns), out);
    else values.set(right.values.subarray(b, b + columns), out);
    if (inLeft) l += 1;
    if (inRight) r += 1;
  }
  return { rows, values };
}

function mergeAscending(a: Uint32Array, b: Uint32Array): Uint32Array {
  const merged = new Uint32Array(a.length + b.length);
  let length = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length; length += 1) {
    const x = i < a.length ? a[i] : Infinity;
    const y = j < b.length ? b[j] : Infinity;
    merged[length] = Math.min(x, y);
    if (x <= y) i += 1;
    if (y <= x) j += 1;
  }
  return merged.slice(0, length);
}

function findPath(leaves: number, node: TreeNode): TreeNode[] | undefined {
  const path: TreeNode[] = [];
  let current: TreeNode = { begin: 0, width: leaves };
  for (;;) {
    path.push(current);
    if (current.begin === node.begin && current.width === node.width) return path;
    const children = childrenOf(current);
    if (children === undefined) return undefined;
    current = node.begin < children[1].begin ? children[0] : children[1];
  }
}

function largestPowerOfTwoBelow(width: number): number {
  let power = 1;
  while (power * 2 < width) power *= 2;
  return power;
}
