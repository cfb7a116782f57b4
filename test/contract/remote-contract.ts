import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest';
import type { ContractKit } from './contract-kit.ts';
import { describeExactlyOnce } from './exactly-once-contract.ts';
import { describeLog } from './log-contract.ts';
import { describePull } from './pull-contract.ts';
import { describePush } from './push-contract.ts';
import { describeReads } from './read-contract.ts';
import { describeRefusals } from './refusal-contract.ts';
import { createWrites, type RemoteBackend } from './remote-backend.ts';
import { describeUncertainty } from './uncertain-contract.ts';

/**
 * The contract of the port `Remote`: what every transport, and every stand-in for one, answers. A difference
 * between two backends is the stand-in's mistake.
 * @param isExactlyOnce whether the server keeps a ledger of what was applied.
 * @param hasLog whether it keeps a log of changes.
 */
export function describeRemoteContract(
	name: string,
	startBackend: () => Promise<RemoteBackend>,
	{
		isExactlyOnce = false,
		hasLog = false,
	}: { readonly isExactlyOnce?: boolean; readonly hasLog?: boolean } = {},
): void {
	describe(`Remote: ${name}`, () => {
		let backend: RemoteBackend | undefined;
		let current: ContractKit | undefined;

		function kit(): ContractKit {
			if (!current) throw new Error('The contract has no backend');
			return current;
		}

		beforeAll(async () => {
			backend = await startBackend();
		});
		beforeEach(() => {
			if (backend) current = { backend, remote: backend.connect(), writes: createWrites() };
		});
		afterEach(() => backend?.reset());
		afterAll(() => backend?.stop());

		describePull(kit);
		describeReads(kit);
		describePush(kit);
		describeRefusals(kit);
		describeUncertainty(kit);
		if (isExactlyOnce) describeExactlyOnce(kit);
		if (hasLog) describeLog(kit);
	});
}
