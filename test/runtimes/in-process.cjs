const { start } = require('./with-files.cjs');

start(process.argv[2]).then((report) => console.log(JSON.stringify(report)));
