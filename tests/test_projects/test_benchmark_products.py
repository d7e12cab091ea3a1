"""Products count as done when they are whole, and of this run's people and encoder."""

import json

import numpy as np
import pytest
import run_benchmark
import torch
from benchmark import products
from benchmark.settings import check_settings, check_sources

from deforhmr_mm.body_models import OPEN_BODY_PATH, SMPL
from deforhmr_mm.engine.feature_cache import CacheManifest, weights_fingerprint


def write_data(folder, *, labels='sum', head=None, **people):
    splits = {
        split: {'people': number, 'annotations': f'{labels} of {split}'}
        for split, number in people.items()
    }
    (folder / 'annotations').mkdir(parents=True, exist_ok=True)
    for split, number in people.items():
        np.savez(folder / f'annotations/{split}.npz', scale=np.ones(number))
    manifest = {**(head or {}), 'splits': splits}
    (folder / 'manifest.json').write_text(json.dumps(manifest))


def write_encoder(path, value=1.0):
    torch.save({'state_dict': {'backbone.proj.weight': torch.full((2,), value)}}, path)


def write_cache(folder, people=3, views=2, weights=1.0, shards=None):
    manifest = CacheManifest(people, (4, 1, 1), views=views, shard_size=2)
    fingerprint = weights_fingerprint({'proj.weight': torch.full((2,), weights)})
    manifest.encoder = {'weights': fingerprint}
    manifest.shards = [{}] * (len(manifest.all_shards) if shards is None else shards)
    folder.mkdir(exist_ok=True)
    manifest.save(folder)


def test_a_data_set_has_its_people(tmp_path):
    wanted = {'train': 5, 'val': 2}
    assert not products.has_people(tmp_path, wanted)
    assert products.label_sums(tmp_path, wanted) == {}
    write_data(tmp_path, train=5)
    assert not products.has_people(tmp_path, wanted)
    assert products.label_sums(tmp_path, wanted) == {}
    write_data(tmp_path, train=5, val=2, test=9)
    assert products.has_people(tmp_path, wanted)
    assert products.label_sums(tmp_path, wanted) == {
        'train': 'sum of train',
        'val': 'sum of val',
    }
    write_data(tmp_path, train=6, val=1)
    with pytest.raises(ValueError, match='train: expected 5 people, got 6; .*not cut'):
        products.has_people(tmp_path, wanted)


def test_a_data_set_has_the_labels_that_its_manifest_tells_of(tmp_path):
    wanted = {'train': 5, 'val': 2}
    write_data(tmp_path, **wanted)
    labels = tmp_path / 'annotations/val.npz'
    np.savez(labels, scale=np.ones(1))
    assert not products.has_people(tmp_path, wanted)
    labels.unlink()
    assert not products.has_people(tmp_path, wanted)
    assert products.label_sums(tmp_path, wanted) == {}
    labels.write_bytes(b'PK, but no more')
    with pytest.raises(ValueError, match='val.npz: expected labels .*; delete it'):
        products.has_people(tmp_path, wanted)


@pytest.mark.parametrize(
    ('key', 'wrong'), [('seed', 1), ('version', 'v2'), ('body_fingerprint', 'abc')]
)
def test_another_data_set_is_refused(tmp_path, key, wrong):
    fingerprint = SMPL(str(OPEN_BODY_PATH)).fingerprint
    head = {'seed': 0, 'version': 'v1', 'body_fingerprint': fingerprint}
    write_data(tmp_path, head=head, train=5)
    assert products.has_people(tmp_path, {'train': 5})
    write_data(tmp_path, head={**head, key: wrong}, train=5)
    with pytest.raises(ValueError, match=f'{key}: expected .*, got {wrong!r}.*--data'):
        products.has_people(tmp_path, {'train': 5})


def test_the_manifest_has_the_renderers_name():
    pytest.importorskip('embreex', reason='rendering needs embreex')
    from synthetic_v1 import manifest

    assert products.MANIFEST_FILE == manifest.MANIFEST_FILE


def test_a_cache_is_done_with_all_shards_and_views(tmp_path):
    encoder = tmp_path / 'encoder.pth'
    assert not products.has_views(tmp_path, 2, encoder, 3)
    write_encoder(encoder)
    assert not products.has_views(tmp_path, 2, encoder, 3)
    write_cache(tmp_path, shards=3)
    assert not products.has_views(tmp_path, 2, encoder, 3)
    write_cache(tmp_path)
    assert products.has_views(tmp_path, 2, encoder, 3)
    # Views are added to it.
    assert not products.has_views(tmp_path, 3, encoder, 3)


@pytest.mark.parametrize('shards', [None, 1])
@pytest.mark.parametrize(
    ('other', 'message'),
    [
        ({'weights': 0.0}, 'features of the encoder .* of another one'),
        ({'people': 4}, 'expected features of 3 people, got those of 4'),
        ({'views': 3}, 'expected 2 views of each person, got 3'),
    ],
)
def test_another_cache_is_refused(tmp_path, other, message, shards):
    encoder = tmp_path / 'encoder.pth'
    write_encoder(encoder)
    write_cache(tmp_path, **other, shards=shards)
    with pytest.raises(ValueError, match=f'{message}.*choose other --features'):
        products.has_views(tmp_path, 2, encoder, 3)


def test_features_are_not_older_than_their_encoder(tmp_path):
    write_cache(tmp_path)
    with pytest.raises(ValueError, match='no features yet, since the encoder .* not'):
        products.has_views(tmp_path, 2, tmp_path / 'not_trained_yet.pth', 3)


def test_they_are_refused_before_the_first_step(tmp_path, monkeypatch):
    monkeypatch.setattr(run_benchmark, 'check_packages', lambda groups: None)
    write_cache(tmp_path / 'openbody-v1_smallest_val', 500, 1)
    work = tmp_path / 'work'
    folders = ['--work-dir', work, '--features', tmp_path, '--data', tmp_path / 'data']
    with pytest.raises(SystemExit, match='no features yet'):
        run_benchmark.main(['--smallest', *map(str, folders)])
    assert not work.exists() and not (tmp_path / 'data').exists()


def row(**values):
    return json.dumps(values) + '\n'


def test_a_training_is_done_when_its_last_epoch_is_validated(tmp_path):
    last = tmp_path / 'epoch_4.pth'
    assert not products.is_trained(last, 4, validates=True)
    assert not products.is_trained(last, 4, validates=False)
    last.touch()
    assert not products.is_trained(last, 4, validates=True)
    assert products.is_trained(last, 4, validates=False)
    first, second = (tmp_path / name / 'vis_data/scalars.json' for name in 'ab')
    for log in (first, second):
        log.parent.mkdir(parents=True)
    first.write_text(row(PCK=0.1, step=3) + row(loss=1, iter=4, step=4, epoch=1))
    second.write_text('{"PCK": 0.2, "st')
    assert not products.is_trained(last, 4, validates=True)
    second.write_text(row(PCK=0.2, step=4) + '{"half')
    assert products.is_trained(last, 4, validates=True)


def test_a_model_is_of_its_head(tmp_path):
    def save(name, seed, **more):
        path = tmp_path / name
        torch.save({'state_dict': {}, 'meta': {'seed': seed, 'epoch': 2, **more}}, path)
        return path

    first, second = save('a.pth', 0, cfg='long'), save('b.pth', 1, cfg='long')
    model = tmp_path / 'model.pth'
    assert not products.is_model_of(model, first)
    save('model.pth', 1)
    assert products.is_model_of(model, second)
    assert not products.is_model_of(model, first)
    assert not products.is_model_of(model, tmp_path / 'not_trained_yet.pth')


def test_other_settings_in_the_same_folder_are_refused(tmp_path):
    check_settings(tmp_path / 'w', {'views': 1, 'people': {'train': 4}})
    check_settings(tmp_path / 'w', {'views': 1, 'people': {'train': 4}})
    with pytest.raises(ValueError, match='views: expected 1, got 2; choose another'):
        check_settings(tmp_path / 'w', {'views': 2, 'people': {'train': 4}})
    assert [path.name for path in (tmp_path / 'w').iterdir()] == ['settings.json']


def test_an_encoder_has_one_name_by_whichever_path(tmp_path):
    (tmp_path / 'settings.json').write_text('{"views": 1, "encoder": "some/e.pth"}')
    check_settings(tmp_path, {'views': 1, 'encoder': 'e.pth'})
    for other in ('f.pth', None):
        with pytest.raises(ValueError, match="encoder: expected 'e.pth', got "):
            check_settings(tmp_path, {'views': 1, 'encoder': other})


def test_a_folder_learns_what_it_is_made_from_and_keeps_to_it(tmp_path):
    check_settings(tmp_path, {'views': 1})  # as older ones are: without sources
    check_sources(tmp_path, {'labels of train': 'a'})
    check_sources(tmp_path, {'labels of train': 'a', 'encoder': 'b'})
    check_sources(tmp_path, {})
    for name in ('labels of train', 'encoder'):
        with pytest.raises(ValueError, match=f"{name}: expected '.', got 'c'; choose"):
            check_sources(tmp_path, {name: 'c'})
    check_settings(tmp_path, {'views': 1})
    assert json.loads((tmp_path / 'settings.json').read_text()) == {
        'views': 1,
        'made_from': {'labels of train': 'a', 'encoder': 'b'},
    }
