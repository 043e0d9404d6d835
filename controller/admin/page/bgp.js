// Shows /api/v1/bgp/peers and /api/v1/bgp/routes: whom this node tells of which addresses. Nothing where it speaks to nobody.

import { age, element, fill, row } from './elements.js';

const BGP_PORT = 179;

function router({ remote, port, vrf }) {
  const place = port === BGP_PORT ? remote : `${remote} port ${port}`;
  return vrf === null ? place : `${place} (${vrf})`;
}

function announced({ families }) {
  return families.map(({ family, announced: count }) => `${count} ${family}`).join(', ');
}

/** Why there is no session, or why it is of less use than it could be. */
function remarks({ state, lastError, retryInMs, bfd, families }) {
  const found = families.filter(({ reason }) => reason !== '').map(({ family, reason }) => `no ${family} routes: ${reason}`);
  if (state === 'Established') return found;
  const retry = retryInMs === null ? '' : ` (tried again in ${Math.ceil(retryInMs / 1000)} s)`;
  const why = lastError === null ? [] : [`${lastError.text}${retry}`];
  return [...why, ...(bfd === null || bfd.state === 'Up' ? [] : [`BFD is ${bfd.state}: ${bfd.diagnostic}`]), ...found];
}

function peerRow(peer, nowMs) {
  const state = element('span', peer.state === 'Established' ? 'good' : 'bad', peer.state);
  return row(
    peer.name,
    router(peer),
    peer.remoteAsn === null ? 'external' : String(peer.remoteAsn),
    [state],
    age(nowMs - peer.sinceMs),
    announced(peer),
    remarks(peer).join('; '),
  );
}

function attributes({ pathId, asPath, localPref, med, communities, linkBandwidth, onlyToCustomer }) {
  return [
    ...(pathId === 0 ? [] : [`path ${pathId}`]),
    ...(asPath.length === 0 ? [] : [`AS path ${asPath.join(' ')}`]),
    ...(localPref === null ? [] : [`LOCAL_PREF ${localPref}`]),
    ...(med === null ? [] : [`MED ${med}`]),
    ...communities,
    ...(linkBandwidth === null ? [] : [`bandwidth ${linkBandwidth}`]),
    ...(onlyToCustomer === null ? [] : [`only to customers, says AS ${onlyToCustomer}`]),
  ].join(', ');
}

function pathItem(path) {
  return element('div', '', `${path.peer} via ${path.nextHop}`, element('small', '', attributes(path)));
}

/** Why nobody has it, and which addresses an aggregate is not announced for. */
function routeRemarks({ state, reason, paths, vips }) {
  if (state === 'withdrawn') return [reason];
  const idle = vips.filter(({ obstacle }) => obstacle !== '').map(({ address, obstacle }) => `not for ${address}: ${obstacle}`);
  if (state === 'announced' && paths.length > 0) return idle;
  return [state === 'announced' ? 'no peer takes it now' : reason, ...idle];
}

function routeRow(route) {
  return row(
    route.prefix,
    [element('span', { announced: 'good', draining: 'warn', withdrawn: 'warn' }[route.state] ?? '', route.state)],
    [...new Set(route.vips.flatMap(({ services }) => services))].toSorted((a, b) => (a < b ? -1 : 1)).join(', '),
    [...route.paths.map(pathItem), ...routeRemarks(route).map((remark) => element('div', '', remark))],
  );
}

/** Fills the section, or hides it. */
export function showBgp({ peers, problems }, { routes }, nowMs) {
  document.getElementById('bgp').hidden = peers.length === 0 && problems.length === 0;
  fill('bgp-problems', problems.map((problem) => element('li', 'error', problem)));
  fill('bgp-peers', peers.map((peer) => peerRow(peer, nowMs)));
  fill('bgp-routes', routes.map(routeRow));
}
