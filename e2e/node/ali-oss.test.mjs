// ali-oss against the real program, in every way of signing and addressing.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import OSS from 'ali-oss';
import { KEY_ID, SECRET, SUFFIX, start } from './harness.mjs';

const PART = 100 * 1024;
const md5 = data => crypto.createHash('md5').update(data).digest('hex').toUpperCase();
const bytes = (length, seed = 'node') => {
  const block = crypto.createHash('sha512').update(seed).digest();
  return Buffer.alloc(length, block);
};

let server;
before(async () => { server = await start(); });
after(async () => { await server.stop(); });

function client(options = {}) {
  return new OSS({
    accessKeyId: KEY_ID, accessKeySecret: SECRET, region: 'oss-cn-hangzhou', timeout: 30000, ...options,
  });
}

const FORMS = {
  'V1 by IP': port => ({ endpoint: `http://127.0.0.1:${port}` }),
  'V4 by IP': port => ({ endpoint: `http://127.0.0.1:${port}`, authorizationV4: true }),
  'V1 by name': port => ({ endpoint: `http://oss-cn-hangzhou.aliyuncs.com:${port}` }),
  'V4 by own suffix': port => ({ endpoint: `http://${SUFFIX}:${port}`, authorizationV4: true }),
  'V1 path style': port => ({ endpoint: `http://${SUFFIX}:${port}`, sldEnable: true }),
  'V4 path style': port => ({ endpoint: `http://${SUFFIX}:${port}`, sldEnable: true, authorizationV4: true }),
  'V1 path style by IP': port => ({ endpoint: `http://127.0.0.1:${port}`, sldEnable: true }),
};

async function rejected(promise, status, code) {
  await assert.rejects(promise, error => {
    assert.equal(error.status, status, `${error.status} ${error.code} ${error.message}`);
    if (code) assert.equal(error.code, code);
    assert.match(error.requestId, /^[0-9A-F]{24}$/);
    return true;
  });
}

async function emptyAndDelete(store, name) {
  store.useBucket(name);
  for (;;) {
    const page = await store.getBucketVersions({ maxKeys: 1000 });
    for (const entry of [...(page.objects ?? []), ...(page.deleteMarker ?? [])]) {
      await store.delete(entry.name, { versionId: entry.versionId });
    }
    if (!page.isTruncated) break;
  }
  const { uploads } = await store.listUploads({ 'max-uploads': 1000 });
  for (const upload of uploads) await store.abortMultipartUpload(upload.name, upload.uploadId);
  await store.deleteBucket(name);
}

for (const [form, options] of Object.entries(FORMS)) {
  describe(form, () => {
    let store;
    let name;

    before(async () => {
      store = client(options(server.port));
      name = `node-${crypto.randomBytes(6).toString('hex')}`;
      await store.putBucket(name);
      store.useBucket(name);
    });
    after(async () => { await emptyAndDelete(store, name); });

    test('bucket life and settings', async () => {
      const other = `${name}-2`;
      await store.putBucket(other, { acl: 'public-read', storageClass: 'IA', dataRedundancyType: 'ZRS' });
      const { bucket } = await store.getBucketInfo(other);
      assert.equal(bucket.Name, other);
      assert.equal(bucket.StorageClass, 'IA');
      assert.equal(bucket.AccessControlList.Grant, 'public-read');
      assert.equal((await store.getBucketLocation(other)).location, bucket.Location);
      await store.putBucketACL(other, 'private');
      const acl = await store.getBucketACL(other);
      assert.equal(acl.acl, 'private');
      assert.ok(acl.owner.id);
      const { stat } = await store.getBucketStat(other);
      assert.equal(stat.ObjectCount, '0');
      await store.putBucketTags(other, { a: '1', b: '2' });
      assert.deepEqual((await store.getBucketTags(other)).tag, { a: '1', b: '2' });
      await store.deleteBucketTags(other);
      assert.deepEqual((await store.getBucketTags(other)).tag, {});
      await rejected(store.getBucketCORS(other), 404, 'NoSuchCORSConfiguration');
      const rule = { allowedOrigin: ['https://a.example', '*'], allowedMethod: ['GET', 'PUT'], allowedHeader: '*', exposeHeader: 'ETag', maxAgeSeconds: '30' };
      await store.putBucketCORS(other, [rule]);
      assert.deepEqual((await store.getBucketCORS(other)).rules, [rule]);
      await store.deleteBucketCORS(other);
      assert.equal((await store.getBucketReferer(other)).allowEmpty, true);
      assert.equal((await store.getBucketLogging(other)).enable, false);
      await rejected(store.putBucketLogging(other, 'logs/'), 400, 'NotImplemented');
      await rejected(store.getBucketLifecycle(other), 404, 'NoSuchLifecycle');
      assert.equal((await store.getBucketRequestPayment(other)).payer, 'BucketOwner');
      await store.putBucketRequestPayment(other, 'Requester');
      assert.equal((await store.getBucketRequestPayment(other)).payer, 'Requester');
      await store.deleteBucket(other);
      await rejected(store.getBucketInfo(other), 404, 'NoSuchBucket');
    });

    test('bucket policy and hotlink protection', async () => {
      const other = `${name}-access`;
      const anonymous = () => fetch(`http://127.0.0.1:${server.port}/${other}/k`).then(answer => answer.status);
      await store.putBucket(other);
      const here = client({ ...options(server.port), bucket: other });
      await here.put('k', Buffer.from('v'));
      // ali-oss takes 404 for an answer here.
      assert.equal((await store.getBucketPolicy(other)).policy, null);
      assert.equal(await anonymous(), 403);
      const policy = {
        Version: '1',
        Statement: [{
          Effect: 'Allow', Principal: ['*'], Action: ['oss:GetObject'], Resource: [`acs:oss:*:*:${other}/*`],
        }],
      };
      await store.putBucketPolicy(other, policy);
      assert.deepEqual((await store.getBucketPolicy(other)).policy, policy);
      assert.equal(await anonymous(), 200);
      await rejected(store.putBucketPolicy(other, { Version: '1', Statement: [] }), 400, 'InvalidPolicyDocument');
      await store.putBucketReferer(other, false, ['https://www.example.com/*', 'https://*.example.org/*']);
      const kept = await store.getBucketReferer(other);
      assert.deepEqual([kept.allowEmpty, kept.referers], [false, ['https://www.example.com/*', 'https://*.example.org/*']]);
      assert.equal(await anonymous(), 403);
      assert.equal((await here.get('k')).res.status, 200);
      await store.deleteBucketReferer(other);
      assert.deepEqual((await store.getBucketReferer(other)).referers, null);
      assert.equal(await anonymous(), 200);
      await store.deleteBucketPolicy(other);
      assert.equal(await anonymous(), 403);
      await here.delete('k');
      await store.deleteBucket(other);
    });

    test('list buckets', async () => {
      const page = await store.listBuckets({ prefix: name, 'max-keys': 10 });
      assert.deepEqual(page.buckets.map(bucket => bucket.name), [name]);
      assert.match(page.buckets[0].region, /^oss-/);
      assert.ok(page.owner.id);
      assert.equal((await store.listBuckets({ prefix: 'nobody-has-this' })).buckets, null);
    });

    test('put, head, get, delete', async () => {
      for (const body of [Buffer.alloc(0), Buffer.from('x'), bytes(4097), bytes(300001)]) {
        const put = await store.put('dir/k 1 中.txt', body, { meta: { a: 1, author: 'x y' }, headers: { 'Cache-Control': 'max-age=5' } });
        assert.equal(put.res.status, 200);
        assert.equal(put.res.headers.etag, `"${md5(body)}"`);
        const got = await store.get('dir/k 1 中.txt');
        assert.deepEqual(got.content, body);
        const head = await store.head('dir/k 1 中.txt');
        assert.deepEqual(head.meta, { a: '1', author: 'x y' });
        assert.equal(head.res.headers['content-length'], String(body.length));
        assert.equal(head.res.headers['cache-control'], 'max-age=5');
        assert.match(head.res.headers['content-type'], /^text\/plain/);
        assert.equal((await store.getObjectMeta('dir/k 1 中.txt')).res.headers.etag, `"${md5(body)}"`);
      }
      assert.equal((await store.head('dir/k 1 中.txt', { headers: { 'If-None-Match': `"${md5(bytes(300001))}"` } })).status, 304);
      await store.putMeta('dir/k 1 中.txt', { b: '2' });
      assert.deepEqual((await store.head('dir/k 1 中.txt')).meta, { b: '2' });
      assert.equal((await store.delete('dir/k 1 中.txt')).res.status, 204);
      await rejected(store.get('dir/k 1 中.txt'), 404, 'NoSuchKey');
      await rejected(store.head('dir/k 1 中.txt'), 404, 'NoSuchKey');
    });

    test('files, streams and ranges', async () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'osier-node-'));
      const body = bytes(500_003, 'stream');
      const file = path.join(folder, 'source.bin');
      fs.writeFileSync(file, body);
      await store.put('file', file);
      await store.get('file', path.join(folder, 'target.bin'));
      assert.deepEqual(fs.readFileSync(path.join(folder, 'target.bin')), body);
      await store.putStream('stream', Readable.from([body.subarray(0, 100), body.subarray(100)]));
      assert.deepEqual((await store.get('stream')).content, body);
      await store.putStream('sized', fs.createReadStream(file), { contentLength: body.length });
      const { stream } = await store.getStream('sized');
      assert.deepEqual(await buffer(stream), body);
      const part = await store.get('sized', { headers: { Range: 'bytes=10-19' } });
      assert.equal(part.res.status, 206);
      assert.deepEqual(part.content, body.subarray(10, 20));
      fs.rmSync(folder, { recursive: true });
    });

    test('odd keys', async () => {
      const keys = ['a b', 'plus+plus', 'percent%41', '中/文', 'emoji-😀', 'a//b', 'q?x=1', 'h#h', "quote'\"", '~!@$&*()=:,;'];
      for (const key of keys) {
        await store.put(key, Buffer.from(key));
        assert.equal((await store.get(key)).content.toString(), key);
      }
      for (const key of keys) await store.delete(key);
    });

    test('conditions and forbid-overwrite', async () => {
      await store.put('k', Buffer.from('v'));
      await rejected(store.get('k', { headers: { 'If-Match': '"0"' } }), 412, 'PreconditionFailed');
      await rejected(store.put('k', Buffer.from('w'), { headers: { 'x-oss-forbid-overwrite': 'true' } }), 409, 'FileAlreadyExists');
      assert.equal((await store.get('k')).content.toString(), 'v');
    });

    test('lists', async () => {
      const keys = ['list/a/1', 'list/a/2', 'list/b', 'list/c', 'list/d/1'];
      for (const key of keys) await store.put(key, Buffer.from('v'));
      const first = await store.list({ prefix: 'list/', 'max-keys': 2 });
      assert.deepEqual(first.objects.map(object => object.name), keys.slice(0, 2));
      assert.equal(first.isTruncated, true);
      const rest = await store.list({ prefix: 'list/', 'max-keys': 1000, marker: first.nextMarker });
      assert.deepEqual(rest.objects.map(object => object.name), keys.slice(2));
      assert.equal(rest.objects[0].size, 1);
      const folders = await store.list({ prefix: 'list/', delimiter: '/' });
      assert.deepEqual(folders.prefixes, ['list/a/', 'list/d/']);
      assert.deepEqual(folders.objects.map(object => object.name), ['list/b', 'list/c']);
      let token;
      const found = [];
      do {
        const page = await store.listV2({ prefix: 'list/', 'max-keys': '2', 'continuation-token': token, 'fetch-owner': true });
        found.push(...page.objects.map(object => object.name));
        assert.ok(page.objects[0].owner.id);
        token = page.nextContinuationToken;
      } while (token);
      assert.deepEqual(found, keys);
      const after = await store.listV2({ prefix: 'list/', 'start-after': 'list/c' });
      assert.deepEqual(after.objects.map(object => object.name), ['list/d/1']);
      const gone = await store.deleteMulti(keys.slice(0, 3));
      assert.deepEqual(gone.deleted.map(entry => entry.Key), keys.slice(0, 3));
      await store.deleteMulti(keys.slice(3), { quiet: true });
      assert.deepEqual((await store.list({ prefix: 'list/' })).objects ?? [], []);
    });

    test('copy', async () => {
      await store.put('source 中', Buffer.from('body'), { meta: { a: '1' }, headers: { 'Content-Type': 'text/a' } });
      const copied = await store.copy('copy', 'source 中');
      assert.equal(copied.data.etag, `"${md5('body')}"`);
      assert.deepEqual((await store.head('copy')).meta, { a: '1' });
      await store.copy('copy', 'source 中', { meta: { b: '2' }, headers: { 'Content-Type': 'text/b' } });
      const head = await store.head('copy');
      assert.deepEqual(head.meta, { b: '2' });
      assert.equal(head.res.headers['content-type'], 'text/b');
      assert.deepEqual((await store.get('copy')).content.toString(), 'body');
      await rejected(store.copy('copy', 'nothing'), 404, 'NoSuchKey');
    });

    test('append', async () => {
      const first = await store.append('log', Buffer.from('hello '));
      assert.equal(first.nextAppendPosition, '6');
      await store.append('log', Buffer.from('world'), { position: '6' });
      assert.equal((await store.get('log')).content.toString(), 'hello world');
      await rejected(store.append('log', Buffer.from('x'), { position: '1' }), 409, 'PositionNotEqualToLength');
    });

    test('ACL, tags and symlinks', async () => {
      await store.put('k', Buffer.from('v'), { headers: { 'x-oss-tagging': 'a=1' } });
      assert.equal((await store.getACL('k')).acl, 'default');
      await store.putACL('k', 'public-read');
      assert.equal((await store.getACL('k')).acl, 'public-read');
      assert.deepEqual((await store.getObjectTagging('k')).tag, { a: '1' });
      await store.putObjectTagging('k', { b: '2', c: '3' });
      assert.deepEqual((await store.getObjectTagging('k')).tag, { b: '2', c: '3' });
      await store.deleteObjectTagging('k');
      assert.deepEqual((await store.getObjectTagging('k')).tag, {});
      await store.putSymlink('link', 'k', { meta: { m: '1' } });
      const link = await store.getSymlink('link');
      assert.equal(link.targetName, 'k');
      assert.equal((await store.get('link')).content.toString(), 'v');
    });

    test('multipart', async () => {
      const body = bytes(5 * PART + 77, 'multipart');
      const seen = [];
      const done = await store.multipartUpload('multi', body, {
        partSize: PART, parallel: 3, meta: { a: '1' }, progress: share => { seen.push(share); },
      });
      assert.match(done.etag, /-6"?$/);
      assert.equal(seen.at(-1), 1);
      assert.deepEqual((await store.get('multi')).content, body);
      assert.deepEqual((await store.head('multi')).meta, { a: '1' });
      await store.multipartUploadCopy('multi-copy', { sourceKey: 'multi', sourceBucketName: name }, { partSize: 2 * PART });
      assert.deepEqual((await store.get('multi-copy')).content, body);
      const { uploadId } = await store.initMultipartUpload('parts');
      const parts = [];
      for (const number of [1, 2]) {
        const part = await store.uploadPart('parts', uploadId, number, body, (number - 1) * PART, number * PART);
        parts.push({ number, etag: part.etag });
      }
      const listed = await store.listParts('parts', uploadId, { 'max-parts': 10 });
      assert.deepEqual(listed.parts.map(part => part.PartNumber), ['1', '2']);
      assert.deepEqual((await store.listUploads({ 'max-uploads': 10 })).uploads.map(upload => upload.name), ['parts']);
      await store.completeMultipartUpload('parts', uploadId, parts);
      assert.deepEqual((await store.get('parts')).content, body.subarray(0, 2 * PART));
      const aborted = await store.initMultipartUpload('aborted');
      await store.abortMultipartUpload('aborted', aborted.uploadId);
      await rejected(store.listParts('aborted', aborted.uploadId), 404, 'NoSuchUpload');
    });

    test('versions', async () => {
      const other = `${name}-v`;
      await store.putBucket(other);
      const versioned = client({ ...options(server.port), bucket: other });
      assert.equal((await store.getBucketVersioning(other)).versionStatus, undefined);
      await store.putBucketVersioning(other, 'Enabled');
      assert.equal((await store.getBucketVersioning(other)).versionStatus, 'Enabled');
      const one = (await versioned.put('k', Buffer.from('one'))).res.headers['x-oss-version-id'];
      const two = (await versioned.put('k', Buffer.from('two'))).res.headers['x-oss-version-id'];
      assert.notEqual(one, two);
      assert.equal((await versioned.get('k', { versionId: one })).content.toString(), 'one');
      const gone = await versioned.delete('k');
      const marker = gone.res.headers['x-oss-version-id'];
      const page = await versioned.getBucketVersions({ prefix: 'k' });
      assert.deepEqual(page.objects.map(entry => entry.versionId), [two, one]);
      assert.deepEqual(page.deleteMarker.map(entry => entry.versionId), [marker]);
      await rejected(versioned.get('k'), 404, 'NoSuchKey');
      await versioned.delete('k', { versionId: marker });
      assert.equal((await versioned.get('k')).content.toString(), 'two');
      await versioned.copy('k', 'k', other, { versionId: one });
      assert.equal((await versioned.get('k')).content.toString(), 'one');
      await emptyAndDelete(client(options(server.port)), other);
    });

    test('wrong keys', async () => {
      await rejected(client({ ...options(server.port), bucket: name, accessKeySecret: 'wrong' }).get('k'), 403, 'SignatureDoesNotMatch');
      await rejected(client({ ...options(server.port), bucket: name, accessKeyId: 'nobody' }).get('k'), 403, 'InvalidAccessKeyId');
    });

    if (!form.endsWith('by IP')) {
      test('signed URLs', async () => {
        await store.put('signed 中/k', Buffer.from('v'));
        const url = store.signatureUrl('signed 中/k', { expires: 60, response: { 'content-type': 'text/x' } });
        const got = await fetch(url);
        assert.equal(got.status, 200);
        assert.equal(got.headers.get('content-type'), 'text/x');
        assert.equal(await got.text(), 'v');
        assert.equal((await fetch(url.replace('Expires=', 'Expires=1'))).status, 403);
        const put = store.signatureUrl('put', { method: 'PUT', expires: 60, 'Content-Type': 'text/plain' });
        assert.equal((await fetch(put, { method: 'PUT', body: 'w', headers: { 'Content-Type': 'text/plain' } })).status, 200);
        assert.equal((await fetch(put, { method: 'PUT', body: 'w', headers: { 'Content-Type': 'text/html' } })).status, 403);
        const v4 = await store.signatureUrlV4('GET', 60, { headers: {}, queries: { 'response-cache-control': 'no-store' } }, 'signed 中/k');
        const answer = await fetch(v4);
        assert.equal(answer.status, 200, await answer.clone().text());
        assert.equal(answer.headers.get('cache-control'), 'no-store');
        const v4put = await store.signatureUrlV4('PUT', 60, { headers: { 'Content-Type': 'text/plain' } }, 'v4put');
        assert.equal((await fetch(v4put, { method: 'PUT', body: 'w', headers: { 'Content-Type': 'text/plain' } })).status, 200);
        assert.equal((await fetch(v4put, { method: 'PUT', body: 'w', headers: { 'Content-Type': 'text/html' } })).status, 403);
      });
    }

    test('forms', async () => {
      const post = async (key, fields) => {
        const form = new FormData();
        form.set('key', key);
        for (const [field, value] of Object.entries(fields)) form.set(field, value);
        form.set('success_action_status', '200');
        form.set('file', new Blob(['form body'], { type: 'text/plain' }), 'a.txt');
        return fetch(`http://127.0.0.1:${server.port}/${name}/`, { method: 'POST', body: form });
      };
      const date = new Date();
      const expiration = new Date(date.getTime() + 60000).toISOString();
      const v1 = store.calculatePostSignature({ expiration, conditions: [{ bucket: name }, ['starts-with', '$key', 'form/']] });
      assert.equal((await post('form/v1', v1)).status, 200);
      assert.equal((await post('elsewhere', v1)).status, 403);
      const stamp = date.toISOString().replace(/[-:]|\.\d{3}/g, '');
      const credential = `${KEY_ID}/${stamp.slice(0, 8)}/cn-hangzhou/oss/aliyun_v4_request`;
      const policy = {
        expiration,
        conditions: [{ bucket: name }, { 'x-oss-credential': credential }, { 'x-oss-date': stamp }, { 'x-oss-signature-version': 'OSS4-HMAC-SHA256' }],
      };
      const v4 = {
        policy: Buffer.from(JSON.stringify(policy)).toString('base64'), 'x-oss-credential': credential, 'x-oss-date': stamp,
        'x-oss-signature-version': 'OSS4-HMAC-SHA256', 'x-oss-signature': store.signPostObjectPolicyV4(policy, date),
      };
      assert.equal((await post('form/v4', v4)).status, 200);
      assert.equal((await store.get('form/v4')).content.toString(), 'form body');
    });
  });
}

test('cname', async () => {
  const name = `node-${crypto.randomBytes(6).toString('hex')}`;
  const store = client({ endpoint: `http://127.0.0.1:${server.port}` });
  await store.putBucket(name);
  for (const authorizationV4 of [false, true]) {
    const named = client({ endpoint: `http://${name}.${SUFFIX}:${server.port}`, cname: true, bucket: name, authorizationV4 });
    await named.put('k', Buffer.from('v'));
    assert.equal((await named.get('k')).content.toString(), 'v');
  }
  await emptyAndDelete(store, name);
});

test('internal endpoint', async () => {
  const name = `node-${crypto.randomBytes(6).toString('hex')}`;
  const store = client({ endpoint: `http://oss-cn-hangzhou-internal.aliyuncs.com:${server.port}`, bucket: name });
  await store.putBucket(name);
  await store.put('k', Buffer.from('v'));
  assert.equal((await store.get('k')).content.toString(), 'v');
  await emptyAndDelete(store, name);
});

test('metadata of any language', async () => {
  const name = `node-${crypto.randomBytes(6).toString('hex')}`;
  const store = client({ endpoint: `http://127.0.0.1:${server.port}`, bucket: name, headerEncoding: 'latin1' });
  await store.putBucket(name);
  await store.put('k', Buffer.from('v'), { meta: { author: '作者' } });
  const { meta } = await store.head('k');
  assert.equal(Buffer.from(meta.author, 'latin1').toString(), '作者');
  await emptyAndDelete(store, name);
});
