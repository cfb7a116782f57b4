import type { WebSocketLikeConstructor } from '@supabase/supabase-js';
import WebSocket from 'ws';

/**
 * For `createClient(url, key, { realtime: { transport: webSocketTransport } })`: on Node 20 supabase-js throws
 * without one. The cast is because `ws` declares its own `Event`, which the DOM's is not assignable to.
 */
export const webSocketTransport = WebSocket as unknown as WebSocketLikeConstructor;
