// A worker process that stops for ever between the first chunk of its first push and the commit: node stuck-worker.mjs host:port
import { connect } from '@bptt/rpc';
import { runWorker } from '@bptt/worker';

const connection = connect(process.argv[2], { exchanges: false, afterChunk: () => new Promise(() => undefined) });
await runWorker({ connection, threads: 1, name: 'stuck worker', signal: new AbortController().signal, onEvent: () => undefined });
