PRAGMA application_id = 1718382455;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE api_keys (digest BLOB NOT NULL PRIMARY KEY, name TEXT NOT NULL, issued_at REAL NOT NULL, org_ids_json TEXT NOT NULL);
INSERT INTO "api_keys" VALUES(X'B8E509A8D8F49A664D27CE4FA865C139EB6D3D7E0CF7D0E3DB4CEEECC0398A11','key 1',999.0,'["0a6a0000-0000-4000-8000-000000000001"]');
CREATE TABLE executions (
        number INTEGER PRIMARY KEY, -- the order of submission
        execution_id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL, name TEXT NOT NULL, component_id TEXT NOT NULL, external INTEGER NOT NULL,
        target TEXT NOT NULL, body BLOB NOT NULL,
        idempotency_key TEXT UNIQUE, -- whatever happens, one key starts one execution
        parent_billing_txn_id TEXT, lifecycle_event TEXT,
        work_seconds REAL, -- NULL: it never ends by itself
        work_status TEXT NOT NULL, work_outcome_json TEXT NOT NULL,
        timeout_seconds REAL,
        created_at REAL NOT NULL,
        status TEXT NOT NULL, started_at REAL, finished_at REAL, result_json TEXT, error_json TEXT
    );
INSERT INTO "executions" VALUES(1,'fd3fb274-3ce7-5b43-bb4d-e3faba0160d3','code_block','echo','c0de0000-0000-4000-8000-000000000001',0,'/api/v1/code-blocks/c0de0000-0000-4000-8000-000000000001/executions',X'7B22696E7075745F706172616D6574657273223A207B2261223A20317D7D','key 1','txn 1','test',0.0,'completed','{"a": 1}',NULL,1000.0,'completed',1000.015,1000.015,'{"a": 1}',NULL);
INSERT INTO "executions" VALUES(2,'525626e0-17b2-5fdb-adfe-75b499b6b892','code_block','fail','c0de0000-0000-4000-8000-000000000003',0,'/api/v1/code-blocks/c0de0000-0000-4000-8000-000000000003/executions',X'7B22696E7075745F706172616D6574657273223A207B226D657373616765223A20226E6F227D2C202274696D656F75745F7365636F6E6473223A2036307D',NULL,NULL,NULL,0.0,'failed','{"code": "COMPONENT_FAILED", "message": "no", "details": []}',60.0,1001.0,'failed',1001.015,1001.015,NULL,'{"code": "COMPONENT_FAILED", "message": "no", "details": []}');
INSERT INTO "executions" VALUES(3,'b3a2ccf7-2cd5-5ddc-b829-83ffd72a9a3a','code_block','sleep','c0de0000-0000-4000-8000-000000000002',0,'/api/v1/code-blocks/c0de0000-0000-4000-8000-000000000002/executions',X'7B22696E7075745F706172616D6574657273223A207B227365636F6E6473223A20397D7D','key 3',NULL,NULL,9.0,'completed','{"seconds": 9}',NULL,1003.0,'running',1003.015,NULL,NULL,NULL);
INSERT INTO "executions" VALUES(4,'6ca25640-7149-590c-b1a5-f512120e828a','code_block','sleep','c0de0000-0000-4000-8000-000000000002',0,'/api/v1/code-blocks/c0de0000-0000-4000-8000-000000000002/executions',X'7B22696E7075745F706172616D6574657273223A207B227365636F6E6473223A20397D7D',NULL,NULL,NULL,9.0,'completed','{"seconds": 9}',NULL,1004.0,'cancelled',NULL,1004.0,NULL,'{"code": "EXECUTION_CANCELLED", "message": "cancelled on request", "details": []}');
INSERT INTO "executions" VALUES(5,'32f4780c-3dac-5aa0-8d06-ae629db5bd37','agent','answer','a6e70000-0000-4000-8000-000000000001',0,'/api/v1/agents/a6e70000-0000-4000-8000-000000000001/executions',X'7B22696E7075745F64617461223A207B2271223A20223F227D7D','key 5',NULL,NULL,0.0,'completed','{"q": "?"}',NULL,1005.0,'pending',NULL,NULL,NULL,NULL);
INSERT INTO "executions" VALUES(6,'20a737df-cbbc-5d3f-9687-4d05b67889b2','code_block','double','c0de0000-0000-4000-8000-00000000abcd',1,'/api/v1/code-blocks/c0de0000-0000-4000-8000-00000000abcd/executions',X'7B22696E7075745F706172616D6574657273223A7B226E223A317D7D','key 6',NULL,NULL,NULL,'completed','null',NULL,1005.5,'pending',NULL,NULL,NULL,NULL);
CREATE TABLE objects (
        org_id TEXT NOT NULL, name TEXT NOT NULL, content_type TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (org_id, name)
    );
INSERT INTO "objects" VALUES('0a6a0000-0000-4000-8000-000000000001','a.bin','text/plain',X'00FF');
CREATE TABLE platform (seed TEXT NOT NULL);
INSERT INTO "platform" VALUES('5eed0000-0000-4000-8000-000000000001');
COMMIT;
