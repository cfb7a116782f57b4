import type { SyncInspector } from '../sync-inspector.ts';
import { createPanel, type Panel } from './panel.ts';
import type { SyncActor, SyncLike } from './panel-model.ts';
import { attachStyle } from './style.ts';

export const ELEMENT_NAME = 'pixsync-inspector';

/** `<pixsync-inspector>`: shows a running engine. The attribute `theme` is 'light' or 'dark'; without it as the reader prefers. */
export interface PixSyncInspectorElement extends HTMLElement {
	/** A `SyncManager`. */
	sync: SyncLike | null;
	/** The root machine, where an app runs it itself; `sync` goes before it. What only a manager knows shows as '–'. */
	actor: SyncActor | null;
	/** What `createSyncInspector()` returned; without it the timeline stays empty. */
	inspector: SyncInspector | null;
}

declare global {
	interface HTMLElementTagNameMap {
		'pixsync-inspector': PixSyncInspectorElement;
	}
}

const PROPERTIES = ['sync', 'actor', 'inspector'] as const;

/** Registers the element where there are any, once; elsewhere, as in Node, it does nothing. */
export function defineInspectorElement(): void {
	if (typeof customElements === 'undefined' || customElements.get(ELEMENT_NAME)) return;
	customElements.define(ELEMENT_NAME, createElementClass());
}

/** Made on demand, for Node has no `HTMLElement` to extend. */
function createElementClass(): CustomElementConstructor {
	return class extends HTMLElement implements PixSyncInspectorElement {
		#sync: SyncLike | null = null;
		#actor: SyncActor | null = null;
		#inspector: SyncInspector | null = null;
		#panel: Panel | null = null;

		get sync(): SyncLike | null {
			return this.#sync;
		}
		set sync(sync: SyncLike | null) {
			this.#sync = sync;
			this.#watch();
		}

		get actor(): SyncActor | null {
			return this.#actor;
		}
		set actor(actor: SyncActor | null) {
			this.#actor = actor;
			this.#watch();
		}

		get inspector(): SyncInspector | null {
			return this.#inspector;
		}
		set inspector(inspector: SyncInspector | null) {
			this.#inspector = inspector;
			this.#watch();
		}

		connectedCallback(): void {
			this.#adoptEarlyProperties();
			if (!this.shadowRoot) attachStyle(this.attachShadow({ mode: 'open' }));
			this.#watch();
		}

		disconnectedCallback(): void {
			this.#end();
		}

		#watch(): void {
			this.#end();
			if (!this.isConnected || !this.shadowRoot) return;
			this.#panel = createPanel({
				actor: this.#sync?.actor ?? this.#actor,
				sync: this.#sync,
				inspector: this.#inspector,
			});
			this.shadowRoot.append(this.#panel.element);
		}

		#end(): void {
			this.#panel?.end();
			this.#panel?.element.remove();
			this.#panel = null;
		}

		/** What was set before the element was defined hides the accessors: set it again through them. */
		#adoptEarlyProperties(): void {
			for (const name of PROPERTIES) {
				if (!Object.hasOwn(this, name)) continue;
				const value = this[name];
				delete (this as Partial<Record<typeof name, unknown>>)[name];
				Object.assign(this, { [name]: value });
			}
		}
	};
}
