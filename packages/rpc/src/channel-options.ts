import type { ChannelOptions } from '@grpc/grpc-js';

/** Largest message, either way. Chunks are far smaller: this only guards. */
export const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;
/** HTTP/2 flow-control window of a stream and of a connection. The default, 64 KiB, costs a round trip for every 64 KiB. */
export const WINDOW_BYTES = 8 * 1024 * 1024;
/** Silence after which a side asks the other whether it lives. */
export const KEEPALIVE_TIME_MS = 10_000;
/** Wait for that answer, after which the connection is given up. */
export const KEEPALIVE_TIMEOUT_MS = 5_000;
/** Calls at the same time on one connection. */
export const CONCURRENT_CALLS_MAX = 64;
const RECONNECT_BACKOFF_MIN_MS = 200;
const RECONNECT_BACKOFF_MAX_MS = 5_000;

const COMMON: ChannelOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
};

/** Options of a client's channel. Retries are off: a push is retried, if at all, by who knows whether it still makes sense. */
export const CLIENT_OPTIONS: ChannelOptions = {
  ...COMMON,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': RECONNECT_BACKOFF_MIN_MS,
  'grpc.max_reconnect_backoff_ms': RECONNECT_BACKOFF_MAX_MS,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  // A connection of its own, so that closing one client never disturbs another.
  'grpc.use_local_subchannel_pool': 1,
  // What is meant for the loopback must not go to a proxy.
  'grpc.enable_http_proxy': 0,
  'grpc-node.flow_control_window': WINDOW_BYTES,
  'grpc.enable_channelz': 0,
};

/** Options of a server. Its windows are set by `listen`. Channelz stays on: without it `forceShutdown` leaves connections open. */
export const SERVER_OPTIONS: ChannelOptions = { ...COMMON, 'grpc.max_concurrent_streams': CONCURRENT_CALLS_MAX };
