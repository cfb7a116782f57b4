import { logStart, type PullPlan } from '../core/checkpoint.ts';
import type { Pager, ReadyPage } from './pager.ts';
import type { ChangeLog } from './remote.ts';
import type { Run } from './run.ts';

/**
 * A pull by the server's log: its pages in order, each fetched while the one before is written. A table that was
 * pulled by timestamps until now starts with what that has not brought.
 */
export function createLogPager(run: Run, log: ChangeLog, { checkpoint, other }: PullPlan): Pager {
	const { spec, settings } = run;
	const controller = new AbortController();
	const from = checkpoint ? null : logStart(other, settings.overlapMs);
	let scanStartedAt = checkpoint?.scanStartedAt ?? null;
	let isFirstRequest = true;
	let upcoming: Promise<ReadyPage> | null = null;

	async function load(cursor: string | null): Promise<ReadyPage> {
		const page = await log.pull({ spec, cursor, from, limit: settings.pageSize }, controller.signal);
		if (page.isReset) scanStartedAt = page.sentAt;
		else if (isFirstRequest) scanStartedAt ??= page.sentAt;
		isFirstRequest = false;
		const read = page.rows.length + page.gone.length + page.left.length;
		return { ...page, read, position: null, scanStartedAt };
	}

	return {
		async next() {
			const page = await (upcoming ?? load(checkpoint?.cursor ?? null));
			upcoming = null;
			if (!page.isHead) {
				upcoming = load(page.cursor ?? null);
				// It may end unread, when the pull is left.
				upcoming.catch(() => undefined);
			}
			return page;
		},
		end() {
			controller.abort();
		},
	};
}
