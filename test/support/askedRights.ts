import { covers, isPermitted, permissionsOf, type Installation } from '../../controller/cluster/permissions.ts';
import { describeRequest, type RequestAttributes } from '../../controller/cluster/requestAttributes.ts';
import type { LoggedRequest } from '../apiserver/http/apiHandler.ts';

/** What a request that an API server has logged asked for, in the words of RBAC. */
export function attributesOf({ method, path }: LoggedRequest): RequestAttributes {
  const { pathname, searchParams } = new URL(path, 'http://server');
  return describeRequest({ method: method as 'GET', path: pathname, query: Object.fromEntries(searchParams) });
}

/** `METHOD path` of those that were refused, and of those that no permission of the installation is for. */
export function askedBeyond(requests: readonly LoggedRequest[], installation: Installation): readonly string[] {
  return requests
    .filter((request) => request.status === 401 || request.status === 403 || !isOnTheList(attributesOf(request), installation))
    .map(({ method, path, status }) => `${method} ${path} ${status}`);
}

function isOnTheList(attributes: RequestAttributes, installation: Installation): boolean {
  return attributes.resource !== '' && isPermitted(attributes, installation);
}

/** `verb resource` of every right that none of the requests has needed. */
export function idleRights(requests: readonly LoggedRequest[], installation: Installation): readonly string[] {
  const asked = requests.map((request) => attributesOf(request));
  return permissionsOf(installation.features).flatMap((permission) =>
    permission.verbs
      .filter((verb) => !asked.some((attributes) => attributes.verb === verb && covers(permission, attributes, installation)))
      .map((verb) => `${verb} ${permission.group}/${permission.resource} ${permission.resourceName ?? ''}`.trim()),
  );
}
