import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { referenceBackend } from '@bptt/core';
import { objective, relativeDistance, smallModel } from '@bptt/core/testing';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { describe, expect, it } from 'vitest';
import { outputsOf, type PageCase, type PageReport } from './testing/webgl-page.js';

/** Where Debian and others install it; BPTT_CHROMIUM names another. */
const CHROMIUM = process.env['BPTT_CHROMIUM'] ?? '/usr/bin/chromium';
/** Largest relative distance of a loss or a gradient from the reference. */
const TOLERANCE = 1e-5;

const CASES: readonly PageCase[] = [
  { name: 'one-hot tanh', model: smallModel(), objective: objective() },
  { name: 'LSTM', model: smallModel({ cell: 'lstm', input: 'embedding' }), objective: objective() },
];

const isMissing = !existsSync(CHROMIUM);
if (isMissing) console.warn(`skipped: WebGL: no browser at ${CHROMIUM}`);

describe.skipIf(isMissing)('gpu.js gpu in a browser', () => {
  it('has the losses and gradients of the reference, by WebGL, and says on what', async () => {
    const script = await bundle();
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'] });
    try {
      const page = await browser.newPage();
      await page.addScriptTag({ content: script });
      const report = await page.evaluate((cases) => (globalThis as unknown as { webGlPage: { computeOnWebGl: (cases: unknown) => Promise<PageReport> } }).webGlPage.computeOnWebGl(cases), CASES);
      expect(report.executes).toMatch(/^gpu\.js WebGL2Kernel, software adapter .*SwiftShader.*, generic plans \(/);
      expect(report.id).toMatch(/^gpu-gpu-[a-z0-9.-]*swiftshader[a-z0-9.-]*\/2$/);
      expect(report.adapter.software).toBe(true);
      for (const [i, one] of CASES.entries()) {
        const outputs = Object.entries(await outputsOf(one, referenceBackend({ precision: 'float32' })));
        expect(outputs.length).toBeGreaterThanOrEqual(3);
        for (const [output, want] of outputs) {
          const got = report.outputs[i][output];
          expect(got.length, `${one.name}: ${output}`).toBe(want.length);
          expect(relativeDistance(got, want), `${one.name}: ${output}`).toBeLessThan(TOLERANCE);
        }
      }
    } finally {
      await browser.close();
    }
  }, 90_000);
});

/** The page as one script. gpu.js reads names of classes and sources of kernels, so nothing is minified. */
async function bundle(): Promise<string> {
  const result = await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@bptt/source'], alias: { webgpu: join(import.meta.dirname, 'testing/no-webgpu.ts') } },
    build: { write: false, minify: false, lib: { entry: join(import.meta.dirname, 'testing/webgl-page.ts'), formats: ['iife'], name: 'webGlPage' } },
  });
  const [first] = [result].flat();
  if (!('output' in first)) throw new Error('vite: expected a bundle, got a watcher');
  return first.output[0].code;
}
