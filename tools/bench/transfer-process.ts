import { startTransferServers } from './transfer-server.js';

/*
 * The transfer servers in a process of their own, as in a cluster. Tells its parent where they listen, and ends when the parent
 * disconnects or is gone.
 */

const servers = await startTransferServers();
process.once('disconnect', () => void servers.close());
process.send?.(servers.addresses);
