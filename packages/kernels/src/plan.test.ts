import { gradientProgram, initializeParameters, matrixShape, parameterLayout, trainingInputs, viewTensor, type Program } from '@bptt/core';
import { objective, randomMicroshard, smallModel } from '@bptt/core/testing';
import type { IPipelineRunShortcut } from 'gpu.js';
import { describe, expect, it } from 'vitest';
import { openDevice, type Device } from './device.js';
import { compilePlan, planSignature, type PlanArguments } from './plan.js';

/** The pipelines that a gpu.js instance holds; its types leave them out. */
function pipelinesOf(device: Device): { executorKind: IPipelineRunShortcut['executorKind']; _fusionDisabled: boolean }[] {
  return (device.gpu as unknown as { pipelines: { executorKind: string; _fusionDisabled: boolean }[] }).pipelines;
}

const doubled: Program = { key: 'doubled', trace: (operations, _, { matrices: { a } }) => ({ y: operations.add(a, a) }) };

function withMatrix(rows: number, columns: number): PlanArguments {
  return { parameters: {}, matrices: { a: { rows, columns, values: new Float32Array(rows * columns).fill(3) } }, ids: {} };
}

describe('compilePlan()', () => {
  for (const [mode, kind, fallbackReason] of [['cpu', 'generic', 'pipeline backend is cpu; the fused executor requires webasm'], ['webasm', 'fused-sync', null]] as const) {
    it(`makes one plan of the whole gradient of a microshard, ${mode}`, async () => {
      const model = smallModel({ hidden: [5, 5] });
      const layout = parameterLayout(model);
      const values = initializeParameters(model, 1);
      const microshard = randomMicroshard({ vocabulary: 7, lengths: [5, 3] });
      const args: PlanArguments = {
        parameters: Object.fromEntries(layout.tensors.map((tensor) => [tensor.name, { ...matrixShape(tensor), values: viewTensor(values, tensor) }])),
        ...trainingInputs({ model, objective: objective(), seed: 1 }, microshard, {}),
      };
      const device = openDevice(mode);
      const plan = compilePlan(device, gradientProgram(model, objective(), microshard), args);
      const first = await plan.run(args);
      expect(await plan.run(args)).toEqual(first);
      expect(Object.keys(first)).toEqual(expect.arrayContaining(['losses', 'carry.1.0', ...layout.tensors.map(({ name }) => `d ${name}`)]));
      expect(pipelinesOf(device).map((pipeline) => pipeline.executorKind)).toEqual([kind]);
      expect(plan.executor).toEqual({ kind, fallbackReason });
      plan.dispose();
    });
  }

  for (const mode of ['cpu', 'webasm'] as const) {
    it(`leaves aside arguments that a program does not read, ${mode}`, async () => {
      const { matrices: { a } } = withMatrix(2, 3);
      const args: PlanArguments = { parameters: { unread: a }, matrices: { before: a, a: { ...a, values: new Float32Array(6).fill(4) }, after: a }, ids: { unread: Int32Array.of(1, 2, 3) } };
      const plan = compilePlan(openDevice(mode), doubled, args);
      for (let run = 0; run < 2; run += 1) expect((await plan.run(args)).y.values).toEqual(new Float32Array(6).fill(8));
      plan.dispose();
    });
  }

  it('reads its arguments without a copy, so what changes before they are read counts', async () => {
    const plan = compilePlan(openDevice('webasm'), doubled, withMatrix(2, 3));
    const args = withMatrix(2, 3);
    const running = plan.run(args);
    args.matrices.a.values.fill(5);
    expect((await running).y.values).toEqual(new Float32Array(6).fill(10));
    plan.dispose();
  });

  it('refuses to run with shapes that it was not compiled for', async () => {
    const plan = compilePlan(openDevice('webasm'), doubled, withMatrix(2, 3));
    expect((await plan.run(withMatrix(2, 3))).y.values).toEqual(new Float32Array(6).fill(6));
    await expect(plan.run(withMatrix(3, 2))).rejects.toThrow('plan of doubled: compiled for matrix a [2, 3], got matrix a [3, 2]');
    plan.dispose();
  });

  it('refuses a result of another executor than its own', async () => {
    const device = openDevice('webasm');
    const plan = compilePlan(device, doubled, withMatrix(2, 3));
    pipelinesOf(device)[0]._fusionDisabled = true;
    await expect(plan.run(withMatrix(2, 3))).rejects.toMatchObject({ code: 'failed-precondition', message: 'doubled: expected a fused-sync plan of WebAssemblyKernel, got generic on webasm: no reason given' });
    plan.dispose();
  });

  it('refuses a program that returns a matrix of another plan', () => {
    const foreign: Program = { key: 'foreign', trace: () => ({ y: { rows: 1, columns: 1 } }) };
    expect(() => compilePlan(openDevice('cpu'), foreign, withMatrix(1, 1))).toThrow('foreign: returned a matrix [1, 1] that is not of this plan');
  });
});

describe('planSignature()', () => {
  it('names every shape in the order of the arguments', () => {
    const b = { rows: 1, columns: 2, values: new Float32Array(2) };
    expect(planSignature({ parameters: { b }, matrices: withMatrix(2, 3).matrices, ids: { words: new Int32Array(4) } })).toBe('parameter b [1, 2], matrix a [2, 3], ids words [4]');
  });

  it('refuses values that do not fill their shape', () => {
    expect(() => planSignature({ parameters: {}, matrices: { a: { rows: 2, columns: 2, values: new Float32Array(3) } }, ids: {} })).toThrow('a: [2, 2] needs 4 values, got 3');
  });
});
