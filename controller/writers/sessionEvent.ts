import type { ObjectIndex } from '../model/store.ts';
import { involvedObject, type EventWish } from './eventWish.ts';
import { cutMessage } from './problemText.ts';
import type { SessionNews } from './sessionNews.ts';

/** News of a BGP session as an Event about its BGPPeer; null: that is gone. */
export function sessionEvent(news: SessionNews, objects: ObjectIndex, nodeName: string): EventWish | null {
  const [namespace = '', name = ''] = news.peer.split('/');
  const peer = objects.get('BGPPeer', namespace, name);
  if (peer === undefined || peer.metadata.uid === '') return null;
  const said = { object: involvedObject(peer), message: cutMessage(`node ${JSON.stringify(nodeName)}: ${sentence(news)}`) };
  return news.up ? { ...said, type: 'Normal', reason: 'SessionEstablished' } : { ...said, type: 'Warning', reason: 'SessionDown' };
}

function sentence({ remote, up, reason, losses }: SessionNews): string {
  const times = `${losses === 1 ? 'once' : `${losses} times`} since the last Event`;
  if (up) return `the session with ${remote} is established${losses === 0 ? '' : ` again; it was lost ${times}: ${reason}`}`;
  if (losses === 0) return `there is no session with ${remote}: ${reason}`;
  return `the session with ${remote} is down: ${reason}${losses === 1 ? '' : ` (lost ${times})`}`;
}
