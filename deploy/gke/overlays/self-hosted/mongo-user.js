// Run once, by the image of MongoDB, while the disk is empty: the account of score and web, for their one database.
db.getSiblingDB(process.env.MONGO_INITDB_DATABASE).createUser({
  user: "delaycast",
  pwd: process.env.DELAYCAST_MONGO_PASSWORD,
  roles: [{ role: "readWrite", db: process.env.MONGO_INITDB_DATABASE }],
});
