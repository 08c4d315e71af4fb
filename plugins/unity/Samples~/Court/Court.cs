using UnityEngine;
using Worldplate;
using Worldplate.Interop;

/// <summary>
/// Builds a small court, boxes that fall into it and a camera with a stream. Put it on an empty object of an empty scene with
/// a light, run `worldplate serve`, and press Play.
/// </summary>
public sealed class Court : MonoBehaviour
{
    [SerializeField] int _boxes = 24;

    void Start()
    {
        Put(PrimitiveType.Cube, new Vector3(0, -0.5f, 0), new Vector3(24, 1, 24), Label.Ground, new Color(0.45f, 0.42f, 0.38f));
        Put(PrimitiveType.Cube, new Vector3(0, 2, 12), new Vector3(24, 5, 1), Label.Wall, new Color(0.7f, 0.66f, 0.6f));
        Put(PrimitiveType.Cube, new Vector3(-12, 2, 0), new Vector3(1, 5, 24), Label.Wall, new Color(0.7f, 0.66f, 0.6f));
        for (int box = 0; box < _boxes; box++)
        {
            var at = new Vector3(Random.Range(-5f, 5f), 2 + box, Random.Range(-3f, 7f));
            Put(PrimitiveType.Cube, at, Vector3.one, Label.Wood, new Color(0.55f, 0.36f, 0.2f)).AddComponent<Rigidbody>();
        }
        Camera eye = Camera.main;
        eye.transform.SetPositionAndRotation(new Vector3(4, 3, -11), Quaternion.Euler(8, -14, 0));
        eye.gameObject.AddComponent<WorldplateStream>();
    }

    static GameObject Put(PrimitiveType shape, Vector3 at, Vector3 size, Label label, Color color)
    {
        GameObject made = GameObject.CreatePrimitive(shape);
        made.transform.position = at;
        made.transform.localScale = size;
        made.GetComponent<Renderer>().material.color = color;
        made.GetComponent<Collider>().providesContacts = true;
        made.AddComponent<WorldplateLabel>().Label = label;
        return made;
    }
}
