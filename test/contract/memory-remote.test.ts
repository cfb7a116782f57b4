import { startMemoryBackend } from './memory-backend.ts';
import { startMemoryRestBackend } from './memory-rest-backend.ts';
import { describeRemoteContract } from './remote-contract.ts';

describeRemoteContract('the in-memory server', startMemoryBackend);
describeRemoteContract('REST on the in-memory server', startMemoryRestBackend);
describeRemoteContract('RPC on the in-memory server', () => startMemoryRestBackend('rpc'), {
	isExactlyOnce: true,
	hasLog: true,
});
