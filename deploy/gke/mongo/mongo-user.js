// Creates the account of score, web and batch for their database. The image of MongoDB runs it when the disk is empty.
db.getSiblingDB(process.env.MONGO_INITDB_DATABASE).createUser({
  user: "delaycast",
  pwd: process.env.DELAYCAST_MONGO_PASSWORD,
  roles: [{ role: "readWrite", db: process.env.MONGO_INITDB_DATABASE }],
});
