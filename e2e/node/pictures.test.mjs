// Pictures by ali-oss: on reads, in signed URLs, and saved as objects.
import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import OSS from 'ali-oss';
import { KEY_ID, SECRET, SUFFIX, start } from './harness.mjs';

const CHAIN = 'image/resize,w_80/format,png/quality,q_80';

// A BMP of 24 bits whose colours change from pixel to pixel.
function bitmap(width, height) {
  const row = Math.ceil((width * 3) / 4) * 4;
  const file = Buffer.alloc(54 + row * height);
  file.write('BM');
  [file.length, 0, 54, 40, width, height].forEach((number, place) => file.writeUInt32LE(number, 2 + place * 4));
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let place = 54; place < file.length; place += 1) file[place] = (place * 7) % 251;
  return file;
}

// Kind and size of a PNG or BMP.
function seen(file) {
  if (file.subarray(1, 4).toString() === 'PNG') return ['png', file.readUInt32BE(16), file.readUInt32BE(20)];
  assert.equal(file.subarray(0, 2).toString(), 'BM');
  return ['bmp', file.readUInt32LE(18), Math.abs(file.readInt32LE(22))];
}

let server;
before(async () => { server = await start(); });
after(async () => { await server.stop(); });

const FORMS = {
  'V1 by IP': port => ({ endpoint: `http://127.0.0.1:${port}` }),
  'V4 by IP': port => ({ endpoint: `http://127.0.0.1:${port}`, authorizationV4: true }),
  'V4 by own suffix': port => ({ endpoint: `http://${SUFFIX}:${port}`, authorizationV4: true }),
};

for (const [form, options] of Object.entries(FORMS)) {
  describe(form, () => {
    let store;
    const name = `pictures-${form.toLowerCase().replaceAll(' ', '-')}`;

    before(async () => {
      store = new OSS({
        accessKeyId: KEY_ID, accessKeySecret: SECRET, region: 'oss-cn-hangzhou', timeout: 30000, ...options(server.port),
      });
      await store.putBucket(name);
      store.useBucket(name);
      await store.put('a/图.bmp', bitmap(240, 160));
    });

    test('on reads', async () => {
      const got = await store.get('a/图.bmp', { process: CHAIN });
      assert.deepEqual(seen(got.content), ['png', 80, 53]);
      assert.equal(got.res.headers['content-type'], 'image/png');
      const { stream } = await store.getStream('a/图.bmp', { process: 'image/crop,w_30,h_20,g_se' });
      assert.deepEqual(seen(await buffer(stream)), ['bmp', 30, 20]);
      const info = JSON.parse((await store.get('a/图.bmp', { process: 'image/info' })).content);
      assert.deepEqual([info.Format.value, info.ImageWidth.value, info.ImageHeight.value], ['bmp', '240', '160']);
      await assert.rejects(store.get('a/图.bmp', { process: 'image/slim,1' }), { status: 400, code: 'InvalidArgument' });
      await assert.rejects(store.get('a/图.bmp', { process: 'style/none' }), { status: 404, code: 'NoSuchStyle' });
      await assert.rejects(store.get('a/图.bmp', { process: 'image/format,heic' }), { status: 400, code: 'NotImplemented' });
    });

    // ali-oss makes URLs for names only.
    test('in signed URLs', async () => {
      if (form.endsWith('by IP')) {
        assert.throws(() => store.signatureUrl('a/图.bmp', { process: CHAIN }), /IP/);
        return;
      }
      const urls = [
        store.signatureUrl('a/图.bmp', { expires: 60, process: CHAIN }),
        await store.signatureUrlV4('GET', 60, { queries: { 'x-oss-process': CHAIN } }, 'a/图.bmp'),
      ];
      for (const url of urls) {
        const answer = await store.urllib.request(url, { timeout: 30000 });
        assert.equal(answer.status, 200, `${url} ${answer.data}`);
        assert.deepEqual(seen(answer.data), ['png', 80, 53]);
        assert.match(url, /w_80/);
        const changed = await store.urllib.request(url.replace('w_80', 'w_81'), { timeout: 30000 });
        assert.equal(changed.status, 403);
      }
    });

    test('saved as objects', async () => {
      const save = async (...words) => (await store.processObjectSave('a/图.bmp', ...words)).status;
      assert.equal(await save('made/小~?>.png', CHAIN), 200);
      const made = await store.get('made/小~?>.png');
      assert.deepEqual(seen(made.content), ['png', 80, 53]);
      assert.equal(made.res.headers['content-type'], 'image/png');
      const mark = `image/watermark,text_${Buffer.from('~~?>>').toString('base64url')},size_20/format,png`;
      assert.equal(await save('made/marked.png', mark, name), 200);
      assert.deepEqual(seen((await store.get('made/marked.png')).content), ['png', 240, 160]);
      // ali-oss throws nothing here.
      assert.equal(await save('x', 'video/snapshot,t_1'), 400);
      assert.equal(await save('x', CHAIN, 'no-such-bucket-of-pictures'), 404);
      await assert.rejects(store.get('x'), { code: 'NoSuchKey' });
    });
  });
}
