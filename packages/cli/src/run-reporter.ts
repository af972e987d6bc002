import type { RunEvent } from '@bptt/server';
import { formatCount, formatLoss, formatPerplexity, Progress, progressLine } from './progress.js';

/** Shows a run while it goes on. */
export interface RunReporter {
  /** Takes what happened. The event `done` is left to the report at the end. */
  event(event: RunEvent): void;
  /** A remark for people. */
  note(text: string): void;
  /** Ends a line that is still being updated. */
  end(): void;
}

/** One stream for text. */
export interface TextSink {
  write(text: string): unknown;
}

/** Shortest time between two updates of a line at a terminal. */
const REDRAW_MS = 100;
/** Columns of a terminal that does not say how many it has. */
const COLUMNS_DEFAULT = 80;

/** JSON lines and nothing else; numbers that are not finite become null. */
export function jsonReporter(stdout: TextSink): RunReporter {
  return {
    event: (event) => {
      if (event.event !== 'done') stdout.write(`${JSON.stringify(event)}\n`);
    },
    note: () => undefined,
    end: () => undefined,
  };
}

/** Lines for people. */
export interface PlainReporterOptions {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Whether a person looks at stdout: then steps update one line. */
  readonly terminal: boolean;
  /** Columns of the terminal. */
  readonly columns?: () => number;
  readonly nowMs?: () => number;
}

/** Lines for people: at a terminal one that is updated, in a pipe a few. Warnings go to stderr. */
export function plainReporter({ stdout, stderr, terminal, columns = () => COLUMNS_DEFAULT, nowMs = () => performance.now() }: PlainReporterOptions): RunReporter {
  let progress: Progress | undefined;
  let drawn = '';
  let drawnMs = -Infinity;
  const clear = (): void => {
    if (drawn !== '') stdout.write('\r\u001b[K');
    drawn = '';
  };
  const print = (text: string): void => {
    const held = drawn;
    clear();
    stdout.write(`${text}\n`);
    draw(held);
  };
  const draw = (text: string): void => {
    if (text !== '') stdout.write(`\r${text}\u001b[K`);
    drawn = text;
  };
  const step = (event: Extract<RunEvent, { event: 'step' }>): void => {
    const now = nowMs();
    progress ??= new Progress({ step: event.step - 1, stepsTotal: event.step });
    const view = progress.after(event, now);
    if (!terminal) {
      if (progress.isPlainStep(event.step)) stdout.write(`${progressLine(view)}\n`);
    } else if (now - drawnMs >= REDRAW_MS || event.step === progress.stepsTotal) {
      drawnMs = now;
      draw(progressLine(view).slice(0, Math.max(1, columns() - 1)));
    }
  };
  return {
    event: (event) => {
      if (event.event === 'started') progress = new Progress({ step: event.step, stepsTotal: event.stepsTotal });
      if (event.event === 'step') step(event);
      const warning = warningText(event);
      if (warning !== undefined) {
        const held = drawn;
        clear();
        stderr.write(`bptt: warning: ${warning}\n`);
        draw(held);
      }
      const text = lineText(event);
      if (text !== undefined) print(text);
    },
    note: print,
    end: () => {
      if (drawn !== '') stdout.write('\n');
      drawn = '';
    },
  };
}

function lineText(event: RunEvent): string | undefined {
  switch (event.event) {
    case 'started':
      return `${event.resumed ? `goes on after step ${formatCount(event.step)}` : 'starts'}: run id ${event.runId.slice(0, 16)}, ${formatCount(event.stepsTotal)} steps`;
    case 'validation':
      return `validation at step ${formatCount(event.step)}: loss ${formatLoss(event.validLoss)}, perplexity ${formatPerplexity(event.validLoss)}, learning rate ${shownRate(event.learningRate)}${validationRemarks(event)}`;
    case 'checkpoint':
      return `checkpoint at step ${formatCount(event.step)}: ${event.path}`;
    case 'worker-joined':
      return `worker ${event.workerId} joined: ${event.name}, threads ${String(event.threads)}`;
    default:
      return undefined;
  }
}

function shownRate(learningRate: number): string {
  return String(Number(learningRate.toPrecision(6)));
}

function validationRemarks({ improved, restored, averaged }: Extract<RunEvent, { event: 'validation' }>): string {
  return [...(averaged ? ['of the average'] : []), ...(improved ? ['best so far'] : []), ...(restored ? ['best parameters restored'] : [])].map((remark) => `, ${remark}`).join('');
}

function warningText(event: RunEvent): string | undefined {
  switch (event.event) {
    case 'worker-left':
      return event.reason === 'left' ? undefined : `worker ${event.workerId} (${event.name}) is gone: ${event.reason}`;
    case 'lease-expired':
      return `step ${formatCount(event.step)}: microshards ${String(event.node.begin)} to ${String(event.node.begin + event.node.width - 1)} go from worker ${event.workerId} to another (${event.reason})`;
    case 'non-finite': {
      const { location, step, policy } = event;
      const where = location === undefined ? 'in a sum' : `sentence ${String(location.sequence)}, time step ${String(location.timeStep)}, layer ${String(location.layer)}, ${location.phase}`;
      return `step ${formatCount(step)}: gradient not finite (${where}); policy ${policy}`;
    }
    case 'duplicate-mismatch':
      return `step ${formatCount(event.step)}: worker ${event.workerId} computed other bits: ${event.message}`;
    case 'warning':
      return event.message;
    default:
      return undefined;
  }
}
