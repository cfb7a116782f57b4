import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

/** Pictures of a page for a person to look at; see {@link createScreenshots}. */
export interface Screenshots {
	/** Light and dark in a wide window, light in a narrow one; the page's own window is set back after. */
	take(page: Page, name: string): Promise<void>;
	end(): void;
}

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 780 };

const VIEWS = [
	{ view: 'light', colorScheme: 'light', size: WIDE },
	{ view: 'dark', colorScheme: 'dark', size: WIDE },
	{ view: 'narrow', colorScheme: 'light', size: NARROW },
] as const;

/**
 * Pictures go to a folder of their own among the system's temporary ones. With `PIXSYNC_SCREENSHOTS` set it stays,
 * and is named as the tests end; else it goes with them.
 */
export function createScreenshots(onView: (page: Page, view: string) => Promise<void>): Screenshots {
	const directory = mkdtempSync(join(tmpdir(), 'pixsync-screenshots-'));
	const isKept = Boolean(process.env.PIXSYNC_SCREENSHOTS);
	return {
		async take(page, name) {
			for (const { view, colorScheme, size } of VIEWS) {
				await page.setViewportSize(size);
				await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
				// Colours fade over; a picture in between shows neither.
				await page.waitForTimeout(300);
				await page.screenshot({ path: join(directory, `${name}-${view}.png`), fullPage: true });
				await onView(page, `${name}, ${view}`);
			}
			await page.setViewportSize(WIDE);
		},
		end() {
			if (isKept) console.log(`Screenshots: ${directory}`);
			else rmSync(directory, { recursive: true, force: true });
		},
	};
}
