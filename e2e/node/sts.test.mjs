// ali-oss's own STS class against the real program.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import OSS from 'ali-oss';
import { KEY_ID, SECRET, start } from './harness.mjs';

let server;
before(async () => { server = await start(); });
after(async () => { await server.stop(); });

/** A request to RAM signed by RPC V1, as the command line tool sends them. */
async function ram(action, parameters) {
  const all = {
    Action: action, Version: '2015-05-01', Format: 'JSON', Timestamp: new Date().toISOString(),
    SignatureMethod: 'HMAC-SHA1', SignatureVersion: '1.0', SignatureNonce: crypto.randomUUID(),
    AccessKeyId: KEY_ID, ...parameters,
  };
  const quote = text => encodeURIComponent(text).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const canonical = Object.keys(all).sort().map(name => `${quote(name)}=${quote(all[name])}`).join('&');
  const text = `GET&%2F&${quote(canonical)}`;
  const signature = crypto.createHmac('sha1', `${SECRET}&`).update(text).digest('base64');
  const answer = await fetch(`http://127.0.0.1:${server.port}/?${canonical}&Signature=${quote(signature)}`);
  const told = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(told));
  return told;
}

const document = (action, resource) =>
  JSON.stringify({ Version: '1', Statement: [{ Effect: 'Allow', Action: action, Resource: resource }] });

describe('STS', () => {
  const name = `node-${crypto.randomBytes(6).toString('hex')}`;
  let sts;
  let arn;
  let store;

  before(async () => {
    const root = { accessKeyId: KEY_ID, accessKeySecret: SECRET };
    const endpoint = `http://127.0.0.1:${server.port}`;
    store = new OSS({ ...root, endpoint });
    await store.putBucket(name);
    const user = { UserName: 'app-oss-user' };
    await ram('CreateUser', user);
    await ram('AttachPolicyToUser', { ...user, PolicyType: 'System', PolicyName: 'AliyunSTSAssumeRoleAccess' });
    const { AccessKey: key } = await ram('CreateAccessKey', user);
    const trust = JSON.stringify({
      Version: '1', Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { RAM: ['*'] } }],
    });
    const role = { RoleName: 'oss-upload-role' };
    ({ Role: { Arn: arn } } = await ram('CreateRole', { ...role, AssumeRolePolicyDocument: trust }));
    await ram('AttachPolicyToRole', { ...role, PolicyType: 'System', PolicyName: 'AliyunOSSFullAccess' });
    sts = new OSS.STS({ accessKeyId: key.AccessKeyId, accessKeySecret: key.AccessKeySecret, endpoint });
  });

  for (const policy of ['text', 'object']) {
    test(`a token for one prefix, its policy as ${policy}`, async () => {
      const text = document(['oss:PutObject'], [`acs:oss:*:*:${name}/uploads/*`]);
      const given = policy === 'text' ? text : JSON.parse(text);
      const { res, credentials } = await sts.assumeRole(arn, given, 900, 'node-session');
      assert.equal(res.status, 200);
      assert.match(credentials.AccessKeyId, /^STS\./);
      assert.ok(Date.parse(credentials.Expiration) > Date.now());
      const session = new OSS({
        accessKeyId: credentials.AccessKeyId, accessKeySecret: credentials.AccessKeySecret,
        stsToken: credentials.SecurityToken, endpoint: `http://127.0.0.1:${server.port}`, bucket: name,
      });
      await session.put('uploads/a b+c.txt', Buffer.from('a'));
      await assert.rejects(session.put('other/a.txt', Buffer.from('a')), { status: 403, code: 'AccessDenied' });
      await assert.rejects(session.get('uploads/a b+c.txt'), { status: 403, code: 'AccessDenied' });
      store.useBucket(name);
      assert.equal((await store.get('uploads/a b+c.txt')).content.toString(), 'a');
    });
  }

  test('errors have their codes', async () => {
    await assert.rejects(sts.assumeRole(arn, undefined, 60, 'node-session'), error => {
      assert.equal(error.code, 'InvalidParameter.DurationSeconds');
      assert.equal(error.status, 400);
      assert.match(error.requestId, /^[0-9A-F-]{36}$/);
      return true;
    });
    await assert.rejects(sts.assumeRole(`${arn}x`, undefined, 900, 'node-session'), { code: 'EntityNotExist.Role' });
    const wrong = new OSS.STS({
      accessKeyId: KEY_ID, accessKeySecret: 'wrong-secret-01234567', endpoint: `http://127.0.0.1:${server.port}`,
    });
    await assert.rejects(wrong.assumeRole(arn), { code: 'SignatureDoesNotMatch' });
  });
});
