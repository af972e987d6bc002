import { assert, childrenOf, parentOf, type TreeNode } from '@bptt/core';
import { nodeKey } from './round.js';

/**
 * The sum of the canonical tree made step by step: as soon as both children of a node are there they are added, so that little is left to do when the
 * last one comes, and no more values are held than needed.
 */
export class TreeReduction<T> {
  readonly #leaves: number;
  readonly #isEmpty: (leaf: number) => boolean;
  readonly #add: (left: T, right: T) => T;
  readonly #values = new Map<string, T>();

  constructor(leaves: number, isEmpty: (leaf: number) => boolean, add: (left: T, right: T) => T) {
    this.#leaves = leaves;
    this.#isEmpty = isEmpty;
    this.#add = add;
  }

  /** Takes the value of a node. Nodes must not overlap. */
  put(node: TreeNode, value: T): void {
    assert(!this.#values.has(nodeKey(node)), () => `reduction: node ${nodeKey(node)} came twice`);
    const parent = parentOf(this.#leaves, node);
    if (parent === undefined) {
      this.#values.set(nodeKey(node), value);
      return;
    }
    const [left, right] = childrenOf(parent) ?? [node, node];
    const isLeft = left.begin === node.begin;
    const sibling = isLeft ? right : left;
    const other = this.#values.get(nodeKey(sibling));
    if (other !== undefined) {
      this.#values.delete(nodeKey(sibling));
      this.put(parent, isLeft ? this.#add(value, other) : this.#add(other, value));
    } else if (this.#isAllEmpty(sibling)) {
      this.put(parent, value);
    } else {
      this.#values.set(nodeKey(node), value);
    }
  }

  /** The sum of all leaves, or undefined while one is missing or where all are empty. */
  root(): T | undefined {
    return this.#values.get(nodeKey({ begin: 0, width: this.#leaves }));
  }

  #isAllEmpty(node: TreeNode): boolean {
    for (let leaf = node.begin; leaf < node.begin + node.width; leaf += 1) if (!this.#isEmpty(leaf)) return false;
    return true;
  }
}
