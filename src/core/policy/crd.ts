import { isJsonObject, type JsonObject, type JsonValue } from '#lib/json.ts';
import { mapObjects, policyJsonSchema } from './json-schema.ts';

/**
 * A Kubernetes CustomResourceDefinition with the same fields, for clusters and tools that want
 * one. Its schema is structural, so it says less than the JSON Schema: what takes several types is
 * left open, and rules between fields are not in it.
 */
export function policyCustomResourceDefinition(): JsonObject {
  const { properties = {} } = policyJsonSchema();
  const spec = isJsonObject(properties) ? properties['spec'] : undefined;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'sentinelpolicies.sre-sentinel.io' },
    spec: {
      group: 'sre-sentinel.io',
      scope: 'Namespaced',
      names: {
        kind: 'SentinelPolicy',
        listKind: 'SentinelPolicyList',
        plural: 'sentinelpolicies',
        singular: 'sentinelpolicy',
        shortNames: ['spol'],
      },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            { name: 'Mode', type: 'string', jsonPath: '.spec.remediation.mode' },
            { name: 'Priority', type: 'integer', jsonPath: '.spec.priority' },
            {
              name: 'Ready',
              type: 'string',
              jsonPath: '.status.conditions[?(@.type=="Ready")].status',
            },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: structural(spec as JsonObject),
                status: STATUS,
              },
            },
          },
        },
      ],
    },
  };
}

const STATUS: JsonObject = {
  type: 'object',
  properties: {
    lastAppliedRevision: { type: 'string' },
    lastAttemptedRevision: { type: 'string' },
    conditions: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: {
        type: 'object',
        required: ['type', 'status', 'reason', 'lastTransitionTime'],
        properties: {
          type: { type: 'string' },
          status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
          reason: { type: 'string' },
          message: { type: 'string' },
          lastTransitionTime: { type: 'string', format: 'date-time' },
          observedGeneration: { type: 'integer', format: 'int64' },
        },
      },
    },
  },
};

const OPEN: JsonObject = { 'x-kubernetes-preserve-unknown-fields': true };

/** Words of JSON Schema that a structural schema knows with the same meaning. */
const WORDS: ReadonlySet<string> = new Set(
  (
    'type description default enum required minimum maximum minItems maxItems minLength maxLength ' +
    'pattern'
  ).split(' '),
);

function structural(schema: JsonObject): JsonObject {
  return convert(inlineUnions(schema));
}

function convert(schema: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = {};
  for (const [word, value] of Object.entries(schema)) {
    if (word === 'properties' && isJsonObject(value)) {
      result['properties'] = Object.fromEntries(
        Object.entries(value).map(([name, field]) => [name, convert(field as JsonObject)]),
      );
    } else if (word === 'items') {
      result['items'] = convert(value as JsonObject);
    } else if (word === 'additionalProperties' && isJsonObject(value)) {
      result['additionalProperties'] = convert(value);
    } else if (word === 'const') {
      result['enum'] = [value];
    } else if (WORDS.has(word) || word.startsWith('x-')) {
      result[word] = value;
    }
  }
  return result;
}

/** A place that takes several types, or any JSON, is left open: structural schemas have one type. */
function inlineUnions(schema: JsonObject): JsonObject {
  return mapObjects(schema, (object) => {
    const { description } = object;
    const isOpen = 'anyOf' in object || '$ref' in object || Array.isArray(object['type']);
    if (!isOpen) return object;
    return typeof description === 'string' ? { description, ...OPEN } : OPEN;
  });
}
