import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import type { ProtoGrpcType as BpttTypes } from './gen/bptt.js';
import type { ProtoGrpcType as HealthTypes } from './gen/health.js';

const folder = dirname(createRequire(import.meta.url).resolve('@bptt/protos/package.json'));

/** Everything that `protos/` declares, in the form that the reflection service wants. */
export const packageDefinition: PackageDefinition = loadSync(['bptt/v1/bptt.proto', 'grpc/health/v1/health.proto'], {
  includeDirs: [folder],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});

// The generated types describe what the loader builds from the same files with the same options; a test compares them.
const loaded = loadPackageDefinition(packageDefinition) as unknown as BpttTypes & HealthTypes;

/** Constructors of the clients. */
export const clients = {
  parameterServer: loaded.bptt.v1.ParameterServer,
  admin: loaded.bptt.v1.Admin,
  health: loaded.grpc.health.v1.Health,
} as const;

/** Definitions that a server's `addService` takes. */
export const services = {
  parameterServer: clients.parameterServer.service,
  admin: clients.admin.service,
  health: clients.health.service,
} as const;
