import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';

/** Where a Chromium may be that speaks the protocol of playwright-core. */
const CANDIDATES = [
	'/usr/bin/chromium',
	'/usr/bin/chromium-browser',
	'/usr/bin/google-chrome-stable',
	'/usr/bin/google-chrome',
	'/usr/bin/microsoft-edge',
	'/snap/bin/chromium',
	'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
	'/Applications/Chromium.app/Contents/MacOS/Chromium',
	'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

const PACKAGE = 'chromium';

/** Quiet and alone: no start page, no updates, no talk with anybody but the page's own servers. */
const FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

/**
 * A headless Chromium: the one named by `CHROMIUM_BIN`, else one that is installed, else Debian's, installed now
 * where this process may. Rejects with one line saying what to do where there is none.
 */
export async function launchChromium(): Promise<Browser> {
	return chromium.launch({ executablePath: findChromium() ?? installChromium(), args: FLAGS });
}

/** The same with its data on disk, in a directory of the caller's, and more flags. */
export async function launchPersistentChromium(
	directory: string,
	flags: readonly string[],
): Promise<BrowserContext> {
	return chromium.launchPersistentContext(directory, {
		executablePath: findChromium() ?? installChromium(),
		args: [...FLAGS, ...flags],
	});
}

export function findChromium(env: NodeJS.ProcessEnv = process.env, exists = existsSync): string | null {
	const named = env.CHROMIUM_BIN;
	if (named && !exists(named)) throw new Error(`CHROMIUM_BIN names no file: ${named}`);
	return named ?? CANDIDATES.find((path) => exists(path)) ?? null;
}

function installChromium(): string {
	if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version'))
		throw new Error(missing('none is installed'));
	try {
		// Another test file may be installing it just now.
		const wait = ['-o', 'DPkg::Lock::Timeout=300'];
		const options = { stdio: 'pipe', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
		execFileSync('apt-get', [...wait, 'update'], options);
		execFileSync('apt-get', [...wait, 'install', '-y', '--no-install-recommends', PACKAGE], options);
	} catch (error) {
		throw new Error(missing('installing it failed'), { cause: error });
	}
	const installed = findChromium();
	if (!installed) throw new Error(missing('the package brought none'));
	return installed;
}

function missing(why: string): string {
	return `Chromium is needed here (${why}): install it, such as by \`apt-get install ${PACKAGE}\`, or name it in CHROMIUM_BIN.`;
}
