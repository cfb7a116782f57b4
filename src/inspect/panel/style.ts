import { toChartStyle } from '../chart-style.ts';
import { PANEL_CSS } from './panel-css.ts';

/** The rules as a shared sheet, which a strict content security policy allows, or as an element where there is none. */
export function attachStyle(root: ShadowRoot): void {
	const text = `${toChartStyle('host')}\n${PANEL_CSS}`;
	if (
		'adoptedStyleSheets' in root &&
		typeof CSSStyleSheet === 'function' &&
		'replaceSync' in CSSStyleSheet.prototype
	) {
		const sheet = new CSSStyleSheet();
		sheet.replaceSync(text);
		root.adoptedStyleSheets = [sheet];
		return;
	}
	const style = document.createElement('style');
	style.textContent = text;
	root.append(style);
}
