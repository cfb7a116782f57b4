import { describe, expect, it } from 'vitest';
import { createTableLocks } from '../../src/services/table-locks.ts';

function work() {
	const log: string[] = [];
	const ends = new Map<string, { resolve: () => void; reject: (error: unknown) => void }>();
	return {
		log,
		step: (name: string) => () => {
			log.push(`${name} begins`);
			return new Promise<string>((resolve, reject) => {
				ends.set(name, {
					resolve: () => {
						log.push(`${name} ends`);
						resolve(name);
					},
					reject,
				});
			});
		},
		end: async (name: string, error?: unknown) => {
			const found = ends.get(name);
			if (!found) throw new Error(`${name} has not begun`);
			if (error === undefined) found.resolve();
			else found.reject(error);
			for (let i = 0; i < 6; i++) await Promise.resolve();
		},
	};
}

const flush = async () => {
	for (let i = 0; i < 6; i++) await Promise.resolve();
};

describe('table locks', () => {
	it('[R9] a table’s next run begins when the former’s promise has ended, in the order asked', async () => {
		const locks = createTableLocks();
		const { log, step, end } = work();
		const runs = ['one', 'two', 'three'].map((name) => locks.run('notes', step(name)));
		await flush();
		expect(log).toEqual(['one begins']);
		await end('one');
		expect(log).toEqual(['one begins', 'one ends', 'two begins']);
		await end('two');
		await end('three');
		expect(await Promise.all(runs)).toEqual(['one', 'two', 'three']);
	});

	it('[R9] tables do not wait for one another', async () => {
		const locks = createTableLocks();
		const { log, step } = work();
		void locks.run('notes', step('notes'));
		void locks.run('tags', step('tags'));
		await flush();
		expect(log).toEqual(['notes begins', 'tags begins']);
	});

	it('[R9] an error goes to its caller alone; the next run begins all the same', async () => {
		const locks = createTableLocks();
		const { step, end } = work();
		const first = locks.run('notes', step('one'));
		const second = locks.run('notes', step('two'));
		const refused = expect(first).rejects.toThrow('no');
		await flush();
		await end('one', new Error('no'));
		await refused;
		await end('two');
		expect(await second).toBe('two');
	});

	it('[R9] work that throws before it returns a promise is an error like any other', async () => {
		const locks = createTableLocks();
		const thrown = locks.run('notes', () => {
			throw new Error('at once');
		});
		await expect(thrown).rejects.toThrow('at once');
		expect(await locks.run('notes', async () => 'after')).toBe('after');
	});
});
