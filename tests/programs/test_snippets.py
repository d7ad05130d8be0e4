"""Pieces of well-known PyTorch tutorials, as they stand there, run with minidl and with torch: the same numbers."""

import numpy as np
import pytest

from tests.programs.beside import beside

START = """
import minidl as torch
import minidl.nn as nn
import minidl.nn.functional as F
import minidl.optim as optim
import numpy as np
from minidl.autograd import Variable

def make():
    return ()

def numbers(*shape, seed=0):
    return torch.from_numpy(np.random.RandomState(seed).randn(*shape)).to(torch.get_default_dtype())
"""

SNIPPETS = {}


def snippet(text):
    """Its first line is the name; `train` returns the numbers to compare."""
    name, _, body = text.strip().partition("\n")
    SNIPPETS[name.removeprefix("# ")] = START + body + "\n"


snippet("""
# autograd in the 60-minute blitz
def train(steps):
    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    z = y * y * 3
    out = z.mean()
    a = numbers(2, 2)
    a = ((a * 3) / (a - 1))
    a.requires_grad_(True)
    b = (a * a).sum()
    assert b.grad_fn is not None
    out.backward()
    x2 = numbers(3).requires_grad_()
    y = x2 * 2
    while y.data.norm() < 1000:
        y = y * 2
    v = torch.tensor([0.1, 1.0, 0.0001], dtype=torch.get_default_dtype())
    y.backward(v)
    assert (x ** 2).requires_grad
    with torch.no_grad():
        assert not (x ** 2).requires_grad
    assert not x.detach().requires_grad and x.eq(x.detach()).all()
    return x.grad.flatten().tolist() + x2.grad.tolist()
""")

snippet("""
# LeNet in the 60-minute blitz
class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, self.num_flat_features(x))
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)

    def num_flat_features(self, x):
        size = x.size()[1:]  # all dimensions except the batch dimension
        num_features = 1
        for s in size:
            num_features *= s
        return num_features

def make():
    return (Net(),)

def train(net, steps):
    params = list(net.parameters())
    assert len(params) == 10 and list(params[0].size()) == [6, 1, 5, 5]
    input, target = numbers(1, 1, 32, 32), numbers(10, seed=1).view(1, -1)
    losses = []
    criterion = nn.MSELoss()
    for _ in range(3):
        net.zero_grad()
        loss = criterion(net(input), target)
        assert loss.grad_fn.next_functions
        loss.backward()
        losses += [loss.item(), net.conv1.bias.grad.sum().item()]
        learning_rate = 0.01
        for f in net.parameters():
            f.data.sub_(f.grad.data * learning_rate)
    return losses
""")

snippet("""
# transfer learning: frozen layers, a new head, schedulers, the best weights kept
import copy

class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(4, 10)

    def forward(self, x):
        return self.fc(torch.flatten(self.avgpool(self.features(x)), 1))

def make():
    model = Body()
    for param in model.parameters():
        param.requires_grad = False
    num_ftrs = model.fc.in_features
    model.fc = nn.Linear(num_ftrs, 2)
    return (model,)

def train(model, steps):
    images, labels = numbers(8, 3, 6, 6), torch.tensor([0, 1] * 4)
    optimizer = optim.SGD(model.fc.parameters(), lr=0.1, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
    plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer, "min", patience=0, factor=0.5)
    best_model_wts, best_acc, found = copy.deepcopy(model.state_dict()), 0.0, []
    for epoch in range(5):
        for phase in ["train", "val"]:
            model.train() if phase == "train" else model.eval()
            running_loss, running_corrects = 0.0, 0
            for inputs, lab in zip(images.split(4), labels.split(4)):
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    _, preds = torch.max(outputs, 1)
                    loss = F.cross_entropy(outputs, lab)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                running_loss += loss.item() * inputs.size(0)
                running_corrects += torch.sum(preds == lab.data)
            if phase == "train":
                scheduler.step()
            else:
                plateau.step(running_loss)
            epoch_acc = running_corrects.double() / 8
            found += [running_loss, epoch_acc.item(), optimizer.param_groups[0]["lr"]]
            if phase == "val" and epoch_acc > best_acc:
                best_acc = epoch_acc
                best_model_wts = copy.deepcopy(model.state_dict())
    model.load_state_dict(best_model_wts)
    return found + [model(images).sum().item(), model.features[1].num_batches_tracked.item()]
""")

snippet("""
# names classified by a hand-written RNN, and the older add_
import string
import warnings

all_letters = string.ascii_letters + " .,;'"

def letterToTensor(letter):
    tensor = torch.zeros(1, len(all_letters))
    tensor[0][all_letters.find(letter)] = 1
    return tensor

def lineToTensor(line):
    tensor = torch.zeros(len(line), 1, len(all_letters))
    for li, letter in enumerate(line):
        tensor[li][0][all_letters.find(letter)] = 1
    return tensor

class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.i2o = nn.Linear(input_size + hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        hidden = self.i2h(combined)
        output = self.i2o(combined)
        return self.softmax(output), hidden

    def initHidden(self):
        return Variable(torch.zeros(1, self.hidden_size))

def make():
    return (RNN(len(all_letters), 8, 3),)

def train(rnn, steps):
    criterion, losses = nn.NLLLoss(), []
    warnings.simplefilter("ignore", UserWarning)  # of the older call below
    for line, category in [("Albert", 0), ("Bai", 1), ("Cruz", 2)] * 3:
        category_tensor = Variable(torch.LongTensor([category]))
        line_tensor = lineToTensor(line)
        hidden = rnn.initHidden()
        rnn.zero_grad()
        for i in range(line_tensor.size()[0]):
            output, hidden = rnn(line_tensor[i], hidden)
        loss = criterion(output, category_tensor)
        loss.backward()
        for p in rnn.parameters():
            p.data.add_(-0.05, p.grad.data)
        top_n, top_i = output.data.topk(1)
        losses += [loss.data.item(), top_i[0][0].item(), top_n.squeeze().item()]
    return losses
""")

snippet("""
# translation by a GRU with additive attention, teacher forcing, greedy decoding with detach
class BahdanauAttention(nn.Module):
    def __init__(self, hidden_size):
        super(BahdanauAttention, self).__init__()
        self.Wa = nn.Linear(hidden_size, hidden_size)
        self.Ua = nn.Linear(hidden_size, hidden_size)
        self.Va = nn.Linear(hidden_size, 1)

    def forward(self, query, keys):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys)))
        scores = scores.squeeze(2).unsqueeze(1)
        weights = F.softmax(scores, dim=-1)
        context = torch.bmm(weights, keys)
        return context, weights

class AttnDecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size):
        super().__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.encoder = nn.GRU(hidden_size, hidden_size, batch_first=True)
        self.attention = BahdanauAttention(hidden_size)
        self.gru = nn.GRU(2 * hidden_size, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, source, target_tensor=None):
        encoder_outputs, decoder_hidden = self.encoder(self.embedding(source))
        decoder_input = torch.empty(source.size(0), 1, dtype=torch.long).fill_(0)
        decoder_outputs, attentions = [], []
        for i in range(4):
            embedded = self.embedding(decoder_input)
            query = decoder_hidden.permute(1, 0, 2)
            context, attn_weights = self.attention(query, encoder_outputs)
            output, decoder_hidden = self.gru(torch.cat((embedded, context), dim=2), decoder_hidden)
            decoder_output = self.out(output)
            decoder_outputs.append(decoder_output)
            attentions.append(attn_weights)
            if target_tensor is not None:
                decoder_input = target_tensor[:, i].unsqueeze(1)
            else:
                _, topi = decoder_output.topk(1)
                decoder_input = topi.squeeze(-1).detach()
        decoder_outputs = torch.cat(decoder_outputs, dim=1)
        return F.log_softmax(decoder_outputs, dim=-1), decoder_hidden, torch.cat(attentions, dim=1)

def make():
    return (AttnDecoderRNN(6, 9),)

def train(model, steps):
    source, target = torch.tensor([[3, 4, 5], [5, 6, 1]]), torch.tensor([[7, 8, 3, 1], [2, 3, 1, 0]])
    optimizer, losses = optim.Adam(model.parameters(), lr=0.01), []
    for i in range(4):
        optimizer.zero_grad()
        outputs, _, attn = model(source, target if i % 2 else None)
        loss = F.nll_loss(outputs.view(-1, outputs.size(-1)), target.view(-1))
        loss.backward()
        optimizer.step()
        losses += [loss.item(), attn[0, 0].std().item()]
    _, topi = outputs.topk(1)
    return losses + topi.squeeze().flatten().tolist()
""")

snippet("""
# language modelling with nn.TransformerEncoder
import math

class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.1, max_len=50):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        x = x + self.pe[:x.size(0)]
        return self.dropout(x)

class TransformerModel(nn.Module):
    def __init__(self, ntoken, d_model, nhead, d_hid, nlayers, dropout=0.0):
        super().__init__()
        self.pos_encoder = PositionalEncoding(d_model, dropout)
        encoder_layers = nn.TransformerEncoderLayer(d_model, nhead, d_hid, dropout)
        self.transformer_encoder = nn.TransformerEncoder(encoder_layers, nlayers)
        self.embedding = nn.Embedding(ntoken, d_model)
        self.d_model = d_model
        self.linear = nn.Linear(d_model, ntoken)
        self.init_weights()

    def init_weights(self):
        initrange = 0.1
        self.embedding.weight.data.uniform_(-initrange, initrange)
        self.linear.bias.data.zero_()
        self.linear.weight.data.uniform_(-initrange, initrange)

    def forward(self, src, src_mask=None):
        src = self.embedding(src) * math.sqrt(self.d_model)
        src = self.pos_encoder(src)
        if src_mask is None:
            src_mask = nn.Transformer.generate_square_subsequent_mask(len(src)).to(src.device)
        output = self.transformer_encoder(src, src_mask)
        return self.linear(output)

def make():
    return (TransformerModel(11, 8, 2, 12, 2),)

def train(model, steps):
    data = torch.from_numpy(np.random.RandomState(0).randint(0, 11, (7, 3)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1.0, gamma=0.95)
    losses = []
    model.train()
    for i in range(4):
        output = model(data[:-1])
        loss = F.cross_entropy(output.view(-1, 11), data[1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        scheduler.step()
        losses += [loss.item(), scheduler.get_last_lr()[0]]
    model.eval()
    with torch.no_grad():
        return losses + model(data)[-1, 0].tolist()
""")

snippet("""
# a spatial transformer
class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv = nn.Conv2d(1, 3, kernel_size=3)
        self.conv_drop = nn.Dropout2d(p=0.0)
        self.fc = nn.Linear(3 * 5 * 5, 4)
        self.localization = nn.Sequential(
            nn.Conv2d(1, 2, kernel_size=3), nn.MaxPool2d(2, stride=2), nn.ReLU(True))
        self.fc_loc = nn.Sequential(nn.Linear(2 * 5 * 5, 8), nn.ReLU(True), nn.Linear(8, 3 * 2))
        self.fc_loc[2].weight.data.zero_()
        self.fc_loc[2].bias.data.copy_(torch.tensor([0.87, 0.14, 0.05, -0.11, 0.76, 0.02]))  # 1 and 0 are kinks

    def stn(self, x):
        xs = self.localization(x)
        xs = xs.view(-1, 2 * 5 * 5)
        theta = self.fc_loc(xs)
        theta = theta.view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size(), align_corners=True)
        x = F.grid_sample(x, grid, align_corners=True)
        return x

    def forward(self, x):
        x = self.stn(x)
        x = F.relu(F.max_pool2d(self.conv_drop(self.conv(x)), 2))
        return F.log_softmax(self.fc(x.view(-1, 75)), dim=1)

def make():
    return (Net(),)

def train(model, steps):
    data, target, losses = numbers(3, 1, 12, 12), torch.tensor([0, 3, 1]), []
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    for _ in range(4):
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        losses += [loss.item(), model.fc_loc[2].bias.grad.norm().item()]
    return losses + model.stn(data)[0, 0, 3].tolist()
""")

snippet("""
# deep Q-learning: replay, a target network, gather, max(1), clipped gradients
import random
from collections import deque, namedtuple

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))

class DQN(nn.Module):
    def __init__(self, n_observations, n_actions):
        super(DQN, self).__init__()
        self.layer1 = nn.Linear(n_observations, 8)
        self.layer2 = nn.Linear(8, n_actions)

    def forward(self, x):
        return self.layer2(F.relu(self.layer1(x)))

def make():
    return DQN(4, 2), DQN(4, 2)

def train(policy_net, target_net, steps):
    random.seed(0)
    target_net.load_state_dict(policy_net.state_dict())
    target_net.eval()
    memory = deque([], maxlen=20)
    for k in range(24):
        state, next_state = numbers(1, 4, seed=k), None if k % 5 == 0 else numbers(1, 4, seed=k + 1)
        with torch.no_grad():
            action = policy_net(state).max(1)[1].view(1, 1)
        if k % 2:
            action = torch.tensor([[k // 2 % 2]], device=state.device, dtype=torch.long)
        memory.append(Transition(state, action, next_state, torch.tensor([float(k)])))
    optimizer, losses, GAMMA, TAU = optim.AdamW(policy_net.parameters(), lr=1e-2, amsgrad=True), [], 0.9, 0.05
    for criterion in (nn.SmoothL1Loss(), F.smooth_l1_loss, nn.HuberLoss(delta=2.0), F.mse_loss):
        batch = Transition(*zip(*random.sample(memory, 8)))
        non_final_mask = torch.tensor(tuple(map(lambda s: s is not None, batch.next_state)), dtype=torch.bool)
        non_final_next_states = torch.cat([s for s in batch.next_state if s is not None])
        state_batch, action_batch, reward_batch = map(torch.cat, (batch.state, batch.action, batch.reward))
        state_action_values = policy_net(state_batch).gather(1, action_batch)
        next_state_values = torch.zeros(8)
        with torch.no_grad():
            next_state_values[non_final_mask] = target_net(non_final_next_states).max(1).values
        expected_state_action_values = (next_state_values * GAMMA) + reward_batch
        loss = criterion(state_action_values, expected_state_action_values.unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
        for param in policy_net.parameters():
            param.grad.data.clamp_(-1, 1)
        optimizer.step()
        target_net_state_dict = target_net.state_dict()
        policy_net_state_dict = policy_net.state_dict()
        for key in policy_net_state_dict:
            target_net_state_dict[key] = policy_net_state_dict[key] * TAU + target_net_state_dict[key] * (1 - TAU)
        target_net.load_state_dict(target_net_state_dict)
        losses += [loss.item(), target_net.layer2.bias[0].item()]
    return losses
""")

snippet("""
# neural style: gram matrices, losses inside a Sequential, LBFGS with a closure on the image
def gram_matrix(input):
    a, b, c, d = input.size()
    features = input.view(a * b, c * d)
    G = torch.mm(features, features.t())
    return G.div(a * b * c * d)

class StyleLoss(nn.Module):
    def __init__(self, target_feature):
        super(StyleLoss, self).__init__()
        self.target = gram_matrix(target_feature).detach()

    def forward(self, input):
        G = gram_matrix(input)
        self.loss = F.mse_loss(G, self.target)
        return input

def make():
    return (nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=False), nn.Conv2d(4, 4, 3)).eval(),)

def train(cnn, steps):
    mean, std = (torch.tensor(v).view(-1, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    style, content = torch.sigmoid(numbers(1, 3, 6, 6)), torch.sigmoid(numbers(1, 3, 6, 6, seed=1))
    model, i, style_losses = nn.Sequential(), 0, []
    x = (style - mean) / std
    for layer in cnn.children():
        if isinstance(layer, nn.Conv2d):
            i += 1
            name = "conv_{}".format(i)
        elif isinstance(layer, nn.ReLU):
            name = "relu_{}".format(i)
        model.add_module(name, layer)
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            style_loss = StyleLoss(x.detach())
            model.add_module("style_loss_{}".format(i), style_loss)
            style_losses.append(style_loss)
    input_img = content.clone()
    input_img.requires_grad_(True)
    model.requires_grad_(False)
    optimizer = optim.LBFGS([input_img])
    run, scores = [0], []
    while run[0] <= 30:
        def closure():
            with torch.no_grad():
                input_img.clamp_(0, 1)
            optimizer.zero_grad()
            model((input_img - mean) / std)
            style_score = 0
            for sl in style_losses:
                style_score += sl.loss
            loss = style_score * 100
            loss.backward()
            run[0] += 1
            scores.append(loss.item())
            return loss
        optimizer.step(closure)
    with torch.no_grad():
        input_img.clamp_(0, 1)
    return scores + [input_img.sum().item()]
""")

snippet("""
# a char-RNN of numpy one-hot rows that draws its text by topk
def one_hot_encode(arr, n_labels):
    one_hot = np.zeros((arr.size, n_labels), dtype=np.float32)
    one_hot[np.arange(one_hot.shape[0]), arr.flatten()] = 1.
    return one_hot.reshape((*arr.shape, n_labels))

class CharRNN(nn.Module):
    def __init__(self, n_chars, n_hidden=10, n_layers=2):
        super().__init__()
        self.n_hidden, self.n_layers = n_hidden, n_layers
        self.lstm = nn.LSTM(n_chars, n_hidden, n_layers, dropout=0.0, batch_first=True)
        self.fc = nn.Linear(n_hidden, n_chars)

    def forward(self, x, hidden):
        r_output, hidden = self.lstm(x, hidden)
        out = r_output.contiguous().view(-1, self.n_hidden)
        return self.fc(out), hidden

    def init_hidden(self, batch_size):
        weight = next(self.parameters()).data
        return (weight.new(self.n_layers, batch_size, self.n_hidden).zero_(),
                weight.new(self.n_layers, batch_size, self.n_hidden).zero_())

def make():
    return (CharRNN(7),)

def train(net, steps):
    rng = np.random.RandomState(0)
    encoded, losses = rng.randint(0, 7, 48).reshape(2, 24), []
    dtype = next(net.parameters()).dtype
    opt, criterion = torch.optim.Adam(net.parameters(), lr=0.01), nn.CrossEntropyLoss()
    h = net.init_hidden(2)
    for n in range(0, 24, 6):
        x, y = encoded[:, n:n + 6], np.roll(encoded[:, n:n + 6], -1, axis=1)
        inputs, targets = torch.from_numpy(one_hot_encode(x, 7)).to(dtype), torch.from_numpy(y)
        h = tuple([each.data for each in h])
        net.zero_grad()
        output, h = net(inputs, h)
        loss = criterion(output, targets.view(2 * 6).long())
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5)
        opt.step()
        losses.append(loss.item())
    net.eval()
    char, h = 3, net.init_hidden(1)
    for _ in range(6):
        inputs = torch.from_numpy(one_hot_encode(np.array([[char]]), 7)).to(dtype)
        h = tuple([each.data for each in h])
        out, h = net(inputs, h)
        p = F.softmax(out, dim=1).data.cpu()
        p, top_ch = p.topk(3)
        top_ch = top_ch.numpy().squeeze()
        p = p.numpy().squeeze()
        char = int(rng.choice(top_ch, p=p / p.sum()))
        losses.append(char)
    return losses
""")

snippet("""
# word embeddings: an n-gram model and a bag of words
words = "we are about to study the idea of a computational process and we are to study it".split()
word_to_ix = {word: i for i, word in enumerate(sorted(set(words)))}

class NGram(nn.Module):
    def __init__(self, vocab_size, embedding_dim, context_size):
        super().__init__()
        self.embeddings = nn.Embedding(vocab_size, embedding_dim)
        self.linear1 = nn.Linear(context_size * embedding_dim, 8)
        self.linear2 = nn.Linear(8, vocab_size)

    def forward(self, inputs):
        embeds = self.embeddings(inputs).view((1, -1))
        out = F.relu(self.linear1(embeds))
        return F.log_softmax(self.linear2(out), dim=1)

class CBOW(NGram):
    def __init__(self, *args):
        super().__init__(*args)
        self.linear1 = nn.Linear(args[1], 8)

    def forward(self, inputs):
        embeds = self.embeddings(inputs).sum(dim=0, keepdim=True)
        return F.log_softmax(self.linear2(F.tanh(self.linear1(embeds))), dim=-1)

def make():
    return NGram(len(word_to_ix), 4, 2), CBOW(len(word_to_ix), 4, 2)

def train(*models, steps):
    losses = []
    for model in models:
        optimizer, loss_function = optim.SGD(model.parameters(), lr=0.1), nn.NLLLoss()
        for i in range(2, 8):
            context_idxs = torch.tensor([word_to_ix[w] for w in words[i - 2:i]], dtype=torch.long)
            model.zero_grad()
            log_probs = model(context_idxs)
            loss = loss_function(log_probs, torch.tensor([word_to_ix[words[i]]], dtype=torch.long))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        a, b = (model.embeddings(torch.LongTensor([word_to_ix[w]])) for w in ("we", "study"))
        losses.append(nn.CosineSimilarity(dim=1)(a, b).item())
    return losses
""")

snippet("""
# BiLSTM-CRF: the partition function word by word, the Viterbi path
START_TAG, STOP_TAG = "<START>", "<STOP>"
tag_to_ix = {"B": 0, "I": 1, "O": 2, START_TAG: 3, STOP_TAG: 4}

def argmax(vec):
    _, idx = torch.max(vec, 1)
    return idx.item()

def log_sum_exp(vec):
    max_score = vec[0, argmax(vec)]
    max_score_broadcast = max_score.view(1, -1).expand(1, vec.size()[1])
    return max_score + torch.log(torch.sum(torch.exp(vec - max_score_broadcast)))

class BiLSTM_CRF(nn.Module):
    def __init__(self, vocab_size, embedding_dim, hidden_dim):
        super(BiLSTM_CRF, self).__init__()
        self.hidden_dim, self.tagset_size = hidden_dim, len(tag_to_ix)
        self.word_embeds = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim // 2, num_layers=1, bidirectional=True)
        self.hidden2tag = nn.Linear(hidden_dim, self.tagset_size)
        self.transitions = nn.Parameter(torch.randn(self.tagset_size, self.tagset_size))
        self.transitions.data[tag_to_ix[START_TAG], :] = -10000
        self.transitions.data[:, tag_to_ix[STOP_TAG]] = -10000

    def _forward_alg(self, feats):
        init_alphas = torch.full((1, self.tagset_size), -10000.)
        init_alphas[0][tag_to_ix[START_TAG]] = 0.
        forward_var = init_alphas
        for feat in feats:
            alphas_t = []
            for next_tag in range(self.tagset_size):
                emit_score = feat[next_tag].view(1, -1).expand(1, self.tagset_size)
                trans_score = self.transitions[next_tag].view(1, -1)
                next_tag_var = forward_var + trans_score + emit_score
                alphas_t.append(log_sum_exp(next_tag_var).view(1))
            forward_var = torch.cat(alphas_t).view(1, -1)
        return log_sum_exp(forward_var + self.transitions[tag_to_ix[STOP_TAG]])

    def _get_lstm_features(self, sentence):
        self.hidden = (torch.zeros(2, 1, self.hidden_dim // 2), torch.zeros(2, 1, self.hidden_dim // 2))
        embeds = self.word_embeds(sentence).view(len(sentence), 1, -1)
        lstm_out, self.hidden = self.lstm(embeds, self.hidden)
        return self.hidden2tag(lstm_out.view(len(sentence), self.hidden_dim))

    def _score_sentence(self, feats, tags):
        score = torch.zeros(1)
        tags = torch.cat([torch.tensor([tag_to_ix[START_TAG]], dtype=torch.long), tags])
        for i, feat in enumerate(feats):
            score = score + self.transitions[tags[i + 1], tags[i]] + feat[tags[i + 1]]
        return score + self.transitions[tag_to_ix[STOP_TAG], tags[-1]]

    def _viterbi_decode(self, feats):
        backpointers = []
        forward_var = torch.full((1, self.tagset_size), -10000.)
        forward_var[0][tag_to_ix[START_TAG]] = 0
        for feat in feats:
            bptrs_t, viterbivars_t = [], []
            for next_tag in range(self.tagset_size):
                next_tag_var = forward_var + self.transitions[next_tag]
                best_tag_id = argmax(next_tag_var)
                bptrs_t.append(best_tag_id)
                viterbivars_t.append(next_tag_var[0][best_tag_id].view(1))
            forward_var = (torch.cat(viterbivars_t) + feat).view(1, -1)
            backpointers.append(bptrs_t)
        terminal_var = forward_var + self.transitions[tag_to_ix[STOP_TAG]]
        best_tag_id = argmax(terminal_var)
        best_path = [best_tag_id]
        for bptrs_t in reversed(backpointers):
            best_tag_id = bptrs_t[best_tag_id]
            best_path.append(best_tag_id)
        return terminal_var[0][argmax(terminal_var)], best_path[-2::-1]

def make():
    return (BiLSTM_CRF(6, 4, 4),)

def train(model, steps):
    sentence, targets = torch.tensor([0, 1, 2, 3, 4, 5, 1]), torch.tensor([0, 1, 1, 2, 2, 0, 1])
    optimizer, losses = optim.SGD(model.parameters(), lr=0.05, weight_decay=1e-4), []
    for _ in range(4):
        model.zero_grad()
        feats = model._get_lstm_features(sentence)
        loss = model._forward_alg(feats) - model._score_sentence(feats, targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        score, path = model._viterbi_decode(model._get_lstm_features(sentence))
    return losses + [score] + path
""")

snippet("""
# an adversarial picture by the sign of the gradient
def fgsm_attack(image, epsilon, data_grad):
    sign_data_grad = data_grad.sign()
    perturbed_image = image + epsilon * sign_data_grad
    perturbed_image = torch.clamp(perturbed_image, 0, 1)
    return perturbed_image

def make():
    return (nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3), nn.LogSoftmax(dim=1)),)

def train(model, steps):
    model.eval()
    found = []
    for epsilon in [0, .1, .3]:
        data, target = torch.sigmoid(numbers(1, 1, 4, 4)), torch.tensor([1])
        data.requires_grad = True
        output = model(data)
        init_pred = output.max(1, keepdim=True)[1]
        loss = F.nll_loss(output, target)
        model.zero_grad()
        loss.backward()
        data_grad = data.grad.data
        perturbed_data = fgsm_attack(data, epsilon, data_grad)
        final_pred = model(perturbed_data).max(1, keepdim=True)[1]
        adv_ex = perturbed_data.squeeze().detach().cpu().numpy()
        found += [init_pred.item(), final_pred.item(), loss.item(), adv_ex.sum()]
    return found
""")

snippet("""
# actor and critic with torch.distributions, and a VAE's divergence
from minidl.distributions import Bernoulli, Categorical, Independent, Normal, Uniform, kl_divergence

def make():
    return nn.Linear(4, 3), nn.Linear(4, 1)

def train(actor, critic, steps):
    state, found = numbers(5, 4), []
    optimizer = optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-2)
    for _ in range(3):
        probs, state_value = F.softmax(actor(state), dim=-1), critic(state)
        m = Categorical(probs)
        action = m.sample()
        ratio = torch.exp(m.log_prob(action) - m.log_prob(action).detach())
        policy = Normal(state_value.squeeze(-1), state_value.squeeze(-1).exp())
        z = policy.rsample()
        loss = -(torch.min(ratio, torch.clamp(ratio, 0.8, 1.2)) * z.detach()).mean() - 0.01 * m.entropy().mean()
        loss = loss + kl_divergence(policy, Normal(torch.zeros_like(z), torch.ones_like(z))).sum() + z.pow(2).mean()
        loss = loss + kl_divergence(Categorical(logits=actor(state)), Categorical(torch.ones(3))).mean()
        loss = loss - Bernoulli(logits=state_value).log_prob((state_value > 0).to(state_value.dtype)).mean()
        loss = loss + kl_divergence(Bernoulli(probs[:, 0]), Bernoulli(torch.full((5,), 0.3))).sum()
        loss = loss - Independent(Normal(state, 2.0), 1).log_prob(state * 2).mean() + Uniform(0., 2.).entropy()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found += [loss.item(), action.sum().item(), z.sum().item()]
    return found
""")

snippet("""
# a polynomial by hand, by autograd, with a Function of one's own
class LegendrePolynomial3(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input ** 3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        input, = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input ** 2 - 1)

def train(steps):
    dtype, device = torch.get_default_dtype(), torch.device("cpu")
    x = torch.linspace(-3, 3, 50, device=device, dtype=dtype)
    y = torch.sin(x)
    a, b, c, d = (torch.full((), v, device=device, dtype=dtype, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3))
    losses = []
    for t in range(6):
        P3 = LegendrePolynomial3.apply
        y_pred = a + b * P3(c + d * x)
        loss = (y_pred - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for p in (a, b, c, d):
                p -= 5e-6 * p.grad
                p.grad = None
    p = torch.tensor([1, 2, 3])
    xx = x.unsqueeze(-1).pow(p)
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
    model[0].weight.data, model[0].bias.data = torch.ones(1, 3), torch.zeros(1)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    for t in range(4):
        loss = torch.nn.MSELoss(reduction="sum")(model(xx), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses + [model[0].weight[:, 1].item()]
""")

snippet("""
# the older spellings
import minidl.backends.cudnn as cudnn
from minidl.nn.modules.module import Module
from minidl.nn.parameter import Parameter
from minidl.utils.data.sampler import SubsetRandomSampler
from minidl.utils.data.dataloader import DataLoader, default_collate
from minidl.nn.parallel import DataParallel

cudnn.benchmark, cudnn.deterministic, torch.backends.cudnn.enabled = True, False, False

class Scale(Module):
    def __init__(self):
        super(Scale, self).__init__()
        self.scale = Parameter(torch.Tensor(1, 3))
        self.register_parameter("shift", None)
        self.reset_parameters()

    def reset_parameters(self):
        self.scale.data.normal_(0, 0.1)

    def forward(self, x):
        return x * self.scale

def make():
    return (torch.nn.DataParallel(Scale(), device_ids=[0]),)

def train(model, steps):
    dtype = torch.FloatTensor if not torch.cuda.is_available() else torch.cuda.FloatTensor
    assert isinstance(model, DataParallel) and list(model.state_dict()) == ["module.scale"]
    model.type(dtype)
    x = Variable(numbers(2, 3).type(dtype), requires_grad=True)
    y = Variable(torch.LongTensor(2).fill_(1))
    assert isinstance(x, torch.FloatTensor) and not isinstance(x, torch.LongTensor) and isinstance(y, Variable)
    loss = F.nll_loss(F.log_softmax(model(x), dim=1), y)
    loss.backward(torch.ones(()).float())
    z = F.sigmoid(x.data) + F.tanh(x).data
    out = [loss.data.item(), x.grad.data.sum().item(), z.double().cpu().sum().item(), float(x.size(0))]
    assert x.data.type().endswith("FloatTensor") and x.long().type().endswith("LongTensor")
    assert x.data.new([[1, 2]]).type() == x.type() and x.data.new(2, 3).size() == x.size()
    torch.cuda.manual_seed(1), torch.cuda.manual_seed_all(1), torch.cuda.empty_cache()
    sampler = SubsetRandomSampler([1])
    batch = next(iter(DataLoader(list(range(4)), sampler=sampler, batch_size=2)))
    return out + batch.tolist() + default_collate([1., 2.]).tolist()
""")


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_tutorial_computes_what_it_computes_with_torch(name):
    ours, theirs = beside(name, 10, SNIPPETS[name])
    assert ours
    np.testing.assert_allclose(ours, theirs, rtol=2e-6 if name == "the older spellings" else 1e-9, atol=1e-9)
