export default {
  name: 'Deno',
  programs: ['deno'],
  checks: {
    'a program with permission for one server, one folder and two variables': async ({ journey, folder }) => {
      const reading = await journey();
      const rights = [
        `--allow-net=127.0.0.1:${reading.port}`,
        `--allow-read=${folder}`,
        `--allow-write=${folder}/readings`,
        '--allow-env=SERVER,VALUE',
        '--no-prompt',
      ];
      await reading.inProcess(['run', '--node-modules-dir=manual', ...rights, 'device.js'], { program: 'deno' });
    },
  },
};
