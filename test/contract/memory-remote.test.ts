import { startMemoryBackend } from './memory-backend.ts';
import { describeRemoteContract } from './remote-contract.ts';

describeRemoteContract('the in-memory server', startMemoryBackend);
